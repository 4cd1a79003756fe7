#include "train/optimizer/block_quantizer.h"

#include <algorithm>
#include <cmath>

namespace patina::train {
namespace {

constexpr int kPowers = 7;

std::array<float, 256> make_table(bool is_signed) {
  std::array<float, 256> table = {};
  size_t count = 0;
  const auto add = [&](double number) { table[count++] = static_cast<float>(number); };
  for (int i = 0; i < kPowers; ++i) {
    const int parts = is_signed ? 1 << i : 2 << i;  // of the range from 0.1 to 1, each by its middle
    const double power = std::pow(10.0, i - kPowers + 1);
    for (int part = 0; part < parts; ++part) {
      const double middle = 0.1 + 0.9 * (part + 0.5) / parts;
      add(power * middle);
      if (is_signed) add(-power * middle);
    }
  }
  add(0);
  add(1);
  std::ranges::sort(table);
  return table;
}

}  // namespace

BlockQuantizer::BlockQuantizer(bool is_signed) : table_(make_table(is_signed)) {}

QuantizedArray BlockQuantizer::zeros(size_t size) const {
  return {std::vector<uint8_t>((size + 3) / 4 * 4, nearest(0)),
          std::vector<float>((size + kQuantizedBlock - 1) / kQuantizedBlock)};
}

uint8_t BlockQuantizer::nearest(float number) const {
  const auto above = std::ranges::lower_bound(table_, number);
  const auto index = static_cast<size_t>(above - table_.begin());
  if (index == 0) return 0;
  if (index == table_.size()) return static_cast<uint8_t>(table_.size() - 1);
  const bool below = number - table_[index - 1] < table_[index] - number;
  return static_cast<uint8_t>(below ? index - 1 : index);
}

void BlockQuantizer::read(const QuantizedArray& array, size_t block, std::span<float> values) const {
  const auto codes = std::span(array.codes).subspan(block * kQuantizedBlock);
  for (size_t i = 0; i < values.size(); ++i) values[i] = table_[codes[i]] * array.largest[block];
}

void BlockQuantizer::write(std::span<const float> values, QuantizedArray& array, size_t block) const {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  array.largest[block] = largest;
  const float scale = largest > 0 ? 1 / largest : 0;
  const auto codes = std::span(array.codes).subspan(block * kQuantizedBlock);
  for (size_t i = 0; i < values.size(); ++i) codes[i] = nearest(values[i] * scale);
}

}  // namespace patina::train
