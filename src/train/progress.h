#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "train/step_log.h"

namespace patina::train {

// Values as a row of blocks (UTF-8, a column each), the lowest as the least block; many are averaged into `columns`.
std::string sparkline(std::span<const double> values, size_t columns);

// What a line of progress may hold besides the step itself.
struct ProgressExtras {
  std::span<const double> losses;  // of the steps so far; none: no sparkline
  uint64_t memory_bytes = 0;       // taken now; 0: unknown
};

// One line of at most `width` columns (no line end): a bar, the step, the loss with its sparkline, tokens/s, memory and
// the time left. Parts that do not fit are left out: the bar first, then the sparkline, then the memory.
std::string progress_line(const StepRecord& record, double seconds_left, size_t width,
                          const ProgressExtras& extras = {});

}  // namespace patina::train
