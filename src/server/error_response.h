#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "patina/error.h"
#include "server/http_message.h"

namespace patina::server {

int status_of(ErrorKind kind);

// {"error": {"code": 400, "message": "...", "type": "invalid_request_error"}}
nlohmann::json error_json(int status, std::string_view message);

HttpResponse error_response(int status, std::string_view message);
HttpResponse error_response(const Error& error);

}  // namespace patina::server
