#include "server/json_text.h"

#include <nlohmann/json.hpp>

namespace patina::server {

std::string json_text(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

HttpResponse json_response(const nlohmann::json& value) {
  HttpResponse response;
  response.body = json_text(value);
  return response;
}

std::string json_event(const nlohmann::json& value) { return "data: " + json_text(value) + "\n\n"; }

}  // namespace patina::server
