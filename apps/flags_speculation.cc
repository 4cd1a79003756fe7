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
  app.add_option("--draft-max,--draft,--draft-n", flags.values.most, "tokens guessed at once, at most")
      ->type_name("N")
      ->check(CLI::Range(0, 64))
      ->group(group);
}

}  // namespace patina::apps
