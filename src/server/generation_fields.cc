#include "server/generation_fields.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace patina::server {
namespace {

constexpr int64_t kMaxInt = std::numeric_limits<int>::max();
constexpr size_t kMaxStops = 64;

int64_t read_max_tokens(const Fields& fields, int64_t fallback) {
  for (const char* name : {"n_predict", "max_completion_tokens", "max_tokens"}) {
    if (fields.has(name)) return fields.integer(name, fallback, -1, std::numeric_limits<int64_t>::max());
  }
  return fallback;
}

// 32 bits: a client that reads JSON numbers as doubles can send them back unchanged.
uint64_t read_seed(const Fields& fields, int64_t fallback) {
  const int64_t seed = fields.integer("seed", fallback, -1, std::numeric_limits<int64_t>::max());
  return seed < 0 ? std::random_device()() : static_cast<uint64_t>(seed);
}

// 0.7F as 0.7, not as 0.699999988079071.
double as_written(float value) {
  const std::string text = fmt::format("{}", value);
  double result = value;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

}  // namespace

engine::GenerationParams read_generation_params(const Fields& fields, const GenerationDefaults& defaults) {
  engine::GenerationParams params = defaults.params;
  sampling::SamplingParams& sampling = params.sampling;
  const auto number = [&fields](const char* name, float fallback, sampling::Range range) {
    return static_cast<float>(fields.number(name, fallback, range.least, range.most));
  };
  sampling.temperature = number("temperature", sampling.temperature, sampling::kTemperatures);
  sampling.top_k = static_cast<int>(fields.integer("top_k", sampling.top_k, -1, kMaxInt));
  sampling.top_p = number("top_p", sampling.top_p, sampling::kShares);
  sampling.min_p = number("min_p", sampling.min_p, sampling::kShares);
  sampling.repeat_penalty = number("repeat_penalty", sampling.repeat_penalty, sampling::kRepeatPenalties);
  sampling.repeat_last_n = static_cast<int>(fields.integer("repeat_last_n", sampling.repeat_last_n, -1, kMaxInt));
  sampling.presence_penalty = number("presence_penalty", sampling.presence_penalty, sampling::kPenalties);
  sampling.frequency_penalty = number("frequency_penalty", sampling.frequency_penalty, sampling::kPenalties);
  sampling.seed = read_seed(fields, defaults.seed);
  params.max_tokens = read_max_tokens(fields, params.max_tokens);
  if (fields.has("stop")) params.stops = fields.texts("stop", kMaxStops);
  params.ignore_eos = fields.boolean("ignore_eos", params.ignore_eos);
  return params;
}

nlohmann::json generation_params_json(const engine::GenerationParams& params) {
  const sampling::SamplingParams& sampling = params.sampling;
  return {{"temperature", as_written(sampling.temperature)},
          {"top_k", sampling.top_k},
          {"top_p", as_written(sampling.top_p)},
          {"min_p", as_written(sampling.min_p)},
          {"repeat_penalty", as_written(sampling.repeat_penalty)},
          {"repeat_last_n", sampling.repeat_last_n},
          {"presence_penalty", as_written(sampling.presence_penalty)},
          {"frequency_penalty", as_written(sampling.frequency_penalty)},
          {"seed", sampling.seed},
          {"n_predict", params.max_tokens},
          {"stop", params.stops},
          {"ignore_eos", params.ignore_eos}};
}

}  // namespace patina::server
