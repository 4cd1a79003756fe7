#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "server/http_message.h"

namespace patina::server {

// Compact JSON; bytes that are not UTF-8 become U+FFFD.
std::string json_text(const nlohmann::json& value);

// A response of status 200.
HttpResponse json_response(const nlohmann::json& value);

// One server-sent event: "data: {...}\n\n".
std::string json_event(const nlohmann::json& value);

}  // namespace patina::server
