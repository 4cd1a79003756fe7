#include "apps/flags_speculation.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>

#include "base/error.h"

namespace patina::apps {

engine::SpeculationOptions SpeculationFlags::options() const {
  engine::SpeculationOptions options = values;
  options.enabled = !off && options.most > 0;
  if (options.draft_model.empty()) return options;
  if (!options.enabled) {
    fail(ErrorKind::kInvalidArgument, "--model-draft guesses nothing with {}; give one of the two",
         off ? "--no-speculation" : "--draft-max 0");
  }
  const int64_t most = std::min(options.most, engine::kMostGuesses);
  if (options.least > most) {
    fail(ErrorKind::kInvalidArgument, "--draft-min {} is more than the {} tokens that are guessed at once",
         options.least, most);
  }
  return options;
}

void add_speculation_flags(CommandLine& line, SpeculationFlags& flags) {
  FlagGroup group = line.group("Guessing ahead (the answer is the same, only sooner)");
  group.add_switch("--no-speculation", flags.off, "choose one token at a time");
  group.add("--md,--model-draft", flags.values.draft_model, "FILE",
            "a smaller model of the same vocabulary that guesses; without one, guesses come from the text itself");
  group
      .add("--draft-max,--draft,--draft-n", flags.values.most, "N",
           fmt::format("tokens guessed at once, at most; more than {0} count as {0}", engine::kMostGuesses))
      .between(0, INT_MAX);
  group
      .add("--draft-min,--draft-n-min", flags.values.least, "N",
           "guesses of a draft model with fewer tokens are left out")
      .between(0, INT_MAX);
  group
      .add("--draft-p-min", flags.values.least_probability, "X",
           "a draft model stops guessing at a token less likely to it than this")
      .share();
}

}  // namespace patina::apps
