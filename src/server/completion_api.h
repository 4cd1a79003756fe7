#pragma once

#include <memory>

#include "server/completer.h"
#include "server/http_message.h"
#include "server/responder.h"

namespace patina::server {

// POST /completion: a prompt and how to answer it; throws kInvalidArgument for fields that cannot be used.
std::unique_ptr<Job> handle_completion(Completer& completer, const HttpRequest& request,
                                       const std::shared_ptr<Responder>& to);

}  // namespace patina::server
