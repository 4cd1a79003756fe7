#include "server/api.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "server/chat_api.h"
#include "server/completion_api.h"
#include "server/generation_fields.h"
#include "server/json_fields.h"
#include "server/json_text.h"

namespace patina::server {
namespace {

using nlohmann::json;

constexpr size_t kMaxTokens = 1'000'000;

HttpResponse health() { return json_response({{"status", "ok"}}); }

HttpResponse props(const ServedModel& model) {
  json defaults = generation_params_json(model.defaults.params);
  defaults["seed"] = model.defaults.seed;
  json adapters = json::array();
  for (const ServedAdapter& adapter : model.adapters) {
    adapters.push_back({{"id", adapters.size()}, {"path", adapter.path}, {"scale", adapter.scale}});
  }
  return json_response(
      {{"default_generation_settings", {{"n_ctx", model.context}, {"params", defaults}}},
       {"total_slots", model.slots},
       {"n_ctx", model.context},
       {"model", model.name},
       {"model_path", model.path},
       {"chat_template", model.jinja},
       {"chat_format", model.chat_format},
       {"prompt_template", {{"enabled", !model.prompt_template.empty()}, {"name", model.prompt_template}}},
       {"adapters", adapters}});
}

HttpResponse models(const ServedModel& model) {
  const json meta = {{"architecture", model.architecture},
                     {"n_vocab", model.vocabulary},
                     {"n_ctx", model.context},
                     {"n_ctx_train", model.trained_context},
                     {"size", model.weight_bytes}};
  const json entry = {{"id", model.name}, {"object", "model"}, {"created", 0}, {"owned_by", "patina"}, {"meta", meta}};
  return json_response({{"object", "list"}, {"data", json::array({entry})}});
}

HttpResponse tokenize(const Completer& completer, const HttpRequest& request) {
  const json body = parse_object(request.body);
  const Fields fields(body);
  const std::vector<engine::TokenId> tokens = completer.tokenize(
      fields.text("content"), fields.boolean("add_special", false), fields.boolean("parse_special", true));
  return json_response({{"tokens", tokens}});
}

HttpResponse detokenize(const Completer& completer, const HttpRequest& request) {
  const json body = parse_object(request.body);
  const Fields fields(body);
  std::vector<engine::TokenId> tokens;
  for (const json& id : fields.array("tokens", kMaxTokens)) {
    const bool fits = id.is_number_integer() && id >= 0 && id <= std::numeric_limits<engine::TokenId>::max();
    if (!fits) fields.refuse("tokens", "an array of token ids");
    tokens.push_back(id.get<engine::TokenId>());
  }
  return json_response({{"content", completer.detokenize(tokens)}});
}

}  // namespace

Router make_router(Completer& completer) {
  Router router;
  for (const char* path : {"/health", "/v1/health"}) {
    router.add("GET", path, [](const HttpRequest& /*request*/) { return health(); });
  }
  router.add("GET", "/props", [&completer](const HttpRequest& /*request*/) { return props(completer.model()); });
  for (const char* path : {"/v1/models", "/models"}) {
    router.add("GET", path, [&completer](const HttpRequest& /*request*/) { return models(completer.model()); });
  }
  for (const char* path : {"/completion", "/completions"}) {
    router.add("POST", path, [&completer](const HttpRequest& request, const std::shared_ptr<Responder>& to) {
      return handle_completion(completer, request, to);
    });
  }
  for (const char* path : {"/v1/chat/completions", "/chat/completions"}) {
    router.add("POST", path, [&completer](const HttpRequest& request, const std::shared_ptr<Responder>& to) {
      return handle_chat(completer, request, to);
    });
  }
  router.add("POST", "/tokenize", [&completer](const HttpRequest& request) { return tokenize(completer, request); });
  router.add("POST", "/detokenize",
             [&completer](const HttpRequest& request) { return detokenize(completer, request); });
  return router;
}

}  // namespace patina::server
