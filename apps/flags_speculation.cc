#include "apps/flags_speculation.h"

namespace patina::apps {

engine::SpeculationOptions SpeculationFlags::options() const {
  engine::SpeculationOptions options = values;
  options.enabled = !off;
  return options;
}

void add_speculation_flags(CommandLine& line, SpeculationFlags& flags) {
  CLI::App& app = line.app();
  const std::string group = "Guessing ahead (the answer is the same, only sooner)";
  app.add_flag("--no-speculation", flags.off, "choose one token at a time")->group(group);
  const auto add = [&](const std::string& names, auto& value, const std::string& placeholder,
                       const std::string& description) {
    return app.add_option(names, value, description)->type_name(placeholder)->group(group);
  };
  add("--md,--model-draft", flags.values.draft_model, "FILE",
      "a smaller model of the same vocabulary that guesses; without one, guesses come from the text itself");
  add("--draft-max,--draft,--draft-n", flags.values.most, "N", "tokens guessed at once, at most")
      ->check(CLI::Range(0, 64));
  add("--draft-min,--draft-n-min", flags.values.least, "N", "guesses of a draft model with fewer tokens are left out")
      ->check(CLI::Range(0, 64));
  add("--draft-p-min", flags.values.least_probability, "X",
      "a draft model stops guessing at a token less likely to it than this")
      ->check(CLI::Range(0.0, 1.0));
}

}  // namespace patina::apps
