#pragma once

#include <cstdint>
#include <span>

#include "ops/context.h"

namespace patina::ops {

// x + y, element by element.
Tensor add(Context& context, const Tensor& x, const Tensor& y);

// total += x, element by element; not recorded.
void add_to(const Context& context, const Tensor& total, const Tensor& x);

// y[i] = x[rows[i]]; the rows may repeat. Backward adds each row's gradient where it came from.
Tensor gather_rows(Context& context, const Tensor& x, std::span<const int32_t> rows);

// Adds numbers uniform in +-size to every element, in place; which ones follows from the seed. Never recorded: what is
// added is constant.
void add_noise(Context& context, const Tensor& x, float size, uint64_t seed);

}  // namespace patina::ops
