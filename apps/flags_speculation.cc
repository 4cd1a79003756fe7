#include "apps/flags_speculation.h"

#include <fmt/format.h>

namespace patina::apps {

engine::SpeculationOptions SpeculationFlags::options() const {
  engine::SpeculationOptions options = values;
  options.enabled = !off;
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
      .between(0, 64);
  group
      .add("--draft-min,--draft-n-min", flags.values.least, "N",
           "guesses of a draft model with fewer tokens are left out")
      .between(0, 64);
  group
      .add("--draft-p-min", flags.values.least_probability, "X",
           "a draft model stops guessing at a token less likely to it than this")
      .share();
}

}  // namespace patina::apps
