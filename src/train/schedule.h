#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace patina::train {

enum class ScheduleKind {
  kConstant,           // the peak
  kLinear,             // a line from the peak down to the minimum
  kCosine,             // half a cosine (Loshchilov and Hutter, 2017)
  kCosineRestarts,     // `cycles` of these, each beginning at the peak again
  kWarmupStableDecay,  // the peak, and over the last `decay_share` of the steps a line down (Hu et al., 2024,
                       // "MiniCPM")
};

// As a user names it: "constant", "linear", "cosine", "cosine-restarts", "wsd". Empty for an unknown one.
std::optional<ScheduleKind> schedule_from_name(std::string_view name);
std::string_view schedule_name(ScheduleKind kind);

// The learning rate over a run: linear warm-up to the peak, then one of the courses above. The first step already
// learns (at 1/warmup of the peak), the first step after warm-up has the peak, and the minimum would be reached by the
// step after the last.
struct Schedule {
  double peak = 0;
  uint64_t steps = 0;   // of the whole run
  uint64_t warmup = 0;  // steps; 0: none
  double minimum = 0;
  ScheduleKind kind = ScheduleKind::kCosine;
  uint64_t cycles = 1;       // at least 1
  double decay_share = 0.1;  // of all steps, 0 to 1

  // For a step from 0; past the end of the run as at its end.
  double at(uint64_t step) const;
};

}  // namespace patina::train
