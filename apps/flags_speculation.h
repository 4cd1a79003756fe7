#pragma once

#include "apps/command_line.h"
#include "engine/runtime.h"

namespace patina::apps {

// How answers are guessed ahead: --no-speculation, -md/--model-draft and the --draft-... flags.
struct SpeculationFlags {
  engine::SpeculationOptions values;
  bool off = false;

  engine::SpeculationOptions options() const;
};
void add_speculation_flags(CommandLine& line, SpeculationFlags& flags);

}  // namespace patina::apps
