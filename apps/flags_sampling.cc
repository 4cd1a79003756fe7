#include "apps/flags_sampling.h"

#include <fmt/format.h>

#include <climits>
#include <random>

namespace patina::apps {

sampling::SamplingParams SamplingFlags::resolve(const LogSink& log) const {
  sampling::SamplingParams resolved = params;
  resolved.seed = seed >= 0 ? static_cast<uint64_t>(seed) : std::random_device()();
  patina::log(log, LogLevel::kInfo, fmt::format("seed: {}", resolved.seed));
  return resolved;
}

void add_sampling_flags(CommandLine& line, SamplingFlags& flags) {
  sampling::SamplingParams& params = flags.params;
  FlagGroup group = line.group("Choosing tokens");
  const auto add = [&group](const char* names, float& value, sampling::Range range, const char* description) {
    group.add(names, value, "X", description).within(range.least, range.most);
  };
  add("--temp,--temperature", params.temperature, sampling::kTemperatures,
      "temperature; 0: always the most likely token");
  group.add("--top-k", params.top_k, "N", "only the N most likely tokens; 0: off").between(-1, INT_MAX);
  add("--top-p", params.top_p, sampling::kShares, "only the most likely tokens that make up this share; 1: off");
  add("--min-p", params.min_p, sampling::kShares, "only tokens at least X times as likely as the best; 0: off");
  add("--repeat-penalty", params.repeat_penalty, sampling::kRepeatPenalties,
      "make tokens less likely that came lately; 1: off");
  group.add("--repeat-last-n", params.repeat_last_n, "N", "how many tokens the penalties look back; 0: none, -1: all")
      .between(-1, INT_MAX);
  add("--presence-penalty", params.presence_penalty, sampling::kPenalties,
      "taken off the logit of tokens that came lately; 0: off");
  add("--frequency-penalty", params.frequency_penalty, sampling::kPenalties,
      "the same, for each time that they came; 0: off");
  group.add("-s,--seed", flags.seed, "N", "same seed, same text; -1: a random one, which is logged")
      .between(-1, INT64_MAX);
}

}  // namespace patina::apps
