#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "apps/bench_plan.h"
#include "engine/runtime.h"
#include "measure/machine_limits.h"

namespace patina::apps {

// What passes of one kind cannot do without: each reads the weights, and multiplies its tokens with them. Attention and
// all else that grows with the context is not counted.
struct PassWork {
  double passes = 0;
  double weight_bytes = 0;   // of each pass
  double int8_products = 0;  // multiply-adds
  double int16_products = 0;
  double f32_products = 0;
};

// Of one run of the test.
std::vector<PassWork> work_of(const engine::Runtime& runtime, const BenchTest& test);

// The least time that the work can take on a machine, and what of the machine bounds it: "bandwidth", "int8", "int16"
// or "f32".
struct WorkBound {
  double seconds;
  std::string_view by;
};
// Nothing where a limit that matters is not known.
std::optional<WorkBound> bound_of(const std::vector<PassWork>& work, const measure::MachineLimits& limits);

}  // namespace patina::apps
