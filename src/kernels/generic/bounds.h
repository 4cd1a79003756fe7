#pragma once

#include <cstdint>

#include "kernels/matmul.h"

// Ends of runs. Functions of our own that are always inlined: a copy of the standard library's, compiled for one level,
// might be the one that the linker keeps for all.
namespace patina::kernels {
namespace {

[[gnu::always_inline]] constexpr int64_t at_most(int64_t value, int64_t limit) { return value < limit ? value : limit; }

// How many of the kPanelRows numbers from number `first` on lie before number `end`.
[[gnu::always_inline]] constexpr int lanes_before(int64_t first, int64_t end) {
  return end < first ? 0 : static_cast<int>(at_most(end - first, kPanelRows));
}

}  // namespace
}  // namespace patina::kernels
