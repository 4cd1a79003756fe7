#pragma once

#include <cstdint>

#include "kernels/matmul.h"

// The rows of the backward product in bytes (generic/weight_quads.h): groups of 64, in quads of 4. The quads of a group
// stand in the order in which AVX2 packs registers of integers of 16 bits.
namespace patina::kernels {

constexpr int kGroupRows = 64;
constexpr int kQuadRows = 4;
constexpr int kGroupQuads = kGroupRows / kQuadRows;
constexpr int kGroupPanels = kGroupRows / kPanelRows;

// The place of quad `quad` of a panel's 4.
constexpr int64_t quad_place(int64_t panel, int64_t quad) {
  const int64_t in_group = panel % kGroupPanels;
  return panel / kGroupPanels * kGroupQuads + in_group / 2 * 8 + in_group % 2 * 2 + quad / 2 * 4 + quad % 2;
}

}  // namespace patina::kernels
