#pragma once

#include <cstdint>

#include "apps/command_line.h"
#include "sampling/sampler.h"

namespace patina::apps {

// How tokens are chosen: --temp, --top-k, --top-p, --min-p, the penalties and -s/--seed.
struct SamplingFlags {
  sampling::SamplingParams params;
  int64_t seed = -1;  // -1: a random one

  // The parameters with the seed that was given, or one that is drawn here and logged.
  sampling::SamplingParams resolve(const LogSink& log) const;
};
void add_sampling_flags(CommandLine& line, SamplingFlags& flags);

}  // namespace patina::apps
