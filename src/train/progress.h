#pragma once

#include <string>

#include "train/step_log.h"

namespace patina::train {

// One line of at most `width` columns (ASCII, no line end): a bar, the step, the loss, tokens/s and the time left.
// Parts that do not fit are left out, the bar first.
std::string progress_line(const StepRecord& record, double seconds_left, size_t width);

}  // namespace patina::train
