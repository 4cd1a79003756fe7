#pragma once

#include <cstdint>
#include <span>

#include "ops/context.h"
#include "quant/dtype.h"

namespace patina::ops {

// x + y, element by element.
Tensor add(Context& context, const Tensor& x, const Tensor& y);

// total += x, element by element; not recorded.
void add_to(const Context& context, const Tensor& total, const Tensor& x);

// y[i] = x[rows[i]]; the rows may repeat. Backward adds each row's gradient where it came from.
Tensor gather_rows(Context& context, const Tensor& x, std::span<const int32_t> rows);

// y[i] = scale * table[ids[i]], rows of a matrix as it stands in the file (row-major blocks). Never trained.
Tensor embed(Context& context, quant::DType type, std::span<const std::byte> table, int64_t cols,
             std::span<const int32_t> ids, float scale);

// Adds numbers uniform in +-size to every element, in place; which ones follows from the seed. Never recorded: what is
// added is constant.
void add_noise(Context& context, const Tensor& x, float size, uint64_t seed);

}  // namespace patina::ops
