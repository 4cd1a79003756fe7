#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ops/context.h"
#include "ops/lora.h"
#include "quant/dtype.h"

namespace patina::ops {

// A matrix of rows that are looked up, as it stands in the file (row-major blocks), never trained, with the low-rank
// corrections of its rows. These have no gain, and no dropout: a row is looked up, not multiplied with.
struct EmbeddingTable {
  quant::DType type;
  std::span<const std::byte> rows;
  int64_t cols;
  std::span<const LoraTerm> adapters;  // a [rank x cols], b [rows x rank]
};

// y[i] = scale * (row ids[i] of the table + of each term, its scale times row ids[i] of B A). While recording, a and b
// of the terms receive gradients where they need them; only rows ids[i] of b have one. Throws kInvalidArgument for an
// id beyond the table.
Tensor embed(Context& context, const EmbeddingTable& table, std::span<const int32_t> ids, float scale);

}  // namespace patina::ops
