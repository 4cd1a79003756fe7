#include "server/error_response.h"

#include <nlohmann/json.hpp>

#include "server/json_text.h"

namespace patina::server {
namespace {

std::string_view type_of(int status) {
  switch (status) {
    case 404:
      return "not_found_error";
    case 500:
      return "server_error";
    case 503:
      return "unavailable_error";
    default:
      return "invalid_request_error";
  }
}

}  // namespace

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalidArgument:
    case ErrorKind::kUnsupported:
      return 400;
    case ErrorKind::kNotFound:
      return 404;
    case ErrorKind::kOutOfMemory:
    case ErrorKind::kInterrupted:
      return 503;
    default:
      return 500;
  }
}

nlohmann::json error_json(int status, std::string_view message) {
  return {{"error", {{"code", status}, {"message", message}, {"type", type_of(status)}}}};
}

HttpResponse error_response(int status, std::string_view message) {
  HttpResponse response;
  response.status = status;
  response.body = json_text(error_json(status, message));
  if (status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

HttpResponse error_response(const Error& error) { return error_response(status_of(error.kind()), error.what()); }

}  // namespace patina::server
