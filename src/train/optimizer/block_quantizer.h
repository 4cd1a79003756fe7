#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace patina::train {

constexpr size_t kQuantizedBlock = 256;

// Numbers in 8 bits: an element is the code's number times the largest absolute value of its block.
struct QuantizedArray {
  std::vector<uint8_t> codes;  // padded to a multiple of 4
  std::vector<float> largest;  // of each block of kQuantizedBlock elements
};

// Block-wise dynamic quantization (Dettmers et al., 2022, "8-bit optimizers via block-wise quantization"): the 256
// numbers that a code can stand for are dense around zero, seven powers of ten deep, each power divided linearly, the
// finer the larger it is. The signed table covers -1 to 1, the unsigned one 0 to 1.
class BlockQuantizer {
 public:
  explicit BlockQuantizer(bool is_signed);

  // The numbers in ascending order.
  std::span<const float> table() const { return table_; }

  QuantizedArray zeros(size_t size) const;
  // Block number `block` of the array, `values` as long as it has elements (at most kQuantizedBlock).
  void read(const QuantizedArray& array, size_t block, std::span<float> values) const;
  // Each value becomes the nearest number of the table.
  void write(std::span<const float> values, QuantizedArray& array, size_t block) const;

 private:
  uint8_t nearest(float number) const;

  std::array<float, 256> table_;
};

}  // namespace patina::train
