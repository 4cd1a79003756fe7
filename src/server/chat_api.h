#pragma once

#include <memory>

#include "server/completer.h"
#include "server/http_message.h"
#include "server/responder.h"

namespace patina::server {

// POST /v1/chat/completions: a conversation and how to go on with it; throws kInvalidArgument for fields that cannot be
// used.
std::unique_ptr<Job> handle_chat(Completer& completer, const HttpRequest& request,
                                 const std::shared_ptr<Responder>& to);

}  // namespace patina::server
