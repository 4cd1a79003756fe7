#pragma once

#include "server/completer.h"
#include "server/router.h"

namespace patina::server {

// Every route of the server. `completer` must outlive the router.
//   POST /completion /completions               GET /health /v1/health
//   POST /v1/chat/completions /chat/completions GET /props
//   POST /tokenize /detokenize                  GET /v1/models /models
Router make_router(Completer& completer);

}  // namespace patina::server
