#include "quant/quantize.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/half.h"
#include "quant/codec.h"
#include "quant/encode.h"
#include "quant/fit.h"

namespace patina::quant {
namespace {

[[noreturn]] void fail_too_large(DType type, float magnitude) {
  fail(ErrorKind::kInvalidData, "the number {} is too large for {}; use F32", magnitude, name(type));
}

// The largest magnitude. Throws when a number is none.
float checked_peak(std::span<const float> in) {
  uint32_t peak = 0;
  for (const float value : in) peak = std::max(peak, std::bit_cast<uint32_t>(value) & 0x7FFFFFFFU);
  if (peak >= 0x7F800000U) {
    fail(ErrorKind::kInvalidData, "among the weights is one that is not a finite number; the model is damaged");
  }
  return std::bit_cast<float>(peak);
}

template <typename Half>
void narrow(std::span<const float> in, std::byte* out, Half (*convert)(float)) {
  for (size_t i = 0; i < in.size(); ++i) {
    const Half value = convert(in[i]);
    std::memcpy(out + i * sizeof(Half), &value, sizeof(Half));
  }
}

bool is_finite(f16 value) { return (value.bits & 0x7C00U) != 0x7C00U; }

template <typename Block>
bool has_finite_scales(const Block& block) {
  if constexpr (requires { block.m; }) return is_finite(block.d) && is_finite(block.m);
  if constexpr (requires { block.dmin; }) return is_finite(block.d) && is_finite(block.dmin);
  return is_finite(block.d);
}

template <typename Block>
void quantize_blocks(std::span<const float> in, std::byte* out, float peak) {
  if (peak > kLargestWeight) fail_too_large(Block::kType, peak);
  for (size_t i = 0; i < in.size(); i += Block::kElements) {
    Block block;
    encode(in.data() + i, block);
    if (!has_finite_scales(block)) fail_too_large(Block::kType, peak);
    std::memcpy(out + i / Block::kElements * sizeof(Block), &block, sizeof(Block));
  }
}

void check_sizes(DType type, std::span<const float> in, std::span<std::byte> out, int64_t row_length) {
  if (row_length < 1 || row_length % info(type).block_elements != 0) {
    fail(ErrorKind::kInvalidArgument, "rows of {} numbers cannot be {}, which comes in blocks of {}", row_length,
         name(type), info(type).block_elements);
  }
  const auto elements = static_cast<int64_t>(in.size());
  if (elements % row_length != 0) {
    fail(ErrorKind::kInvalidArgument, "{} numbers are no whole number of rows of {}", elements, row_length);
  }
  if (static_cast<int64_t>(out.size()) != row_bytes(type, elements)) {
    fail(ErrorKind::kInvalidArgument, "{} {} elements take {} bytes, but {} were given", elements, name(type),
         row_bytes(type, elements), out.size());
  }
}

}  // namespace

void quantize(DType type, std::span<const float> in, std::span<std::byte> out, int64_t row_length) {
  check_sizes(type, in, out, row_length);
  if (in.empty()) return;
  const float peak = checked_peak(in);
  switch (type) {
    case DType::kF32:
      std::memcpy(out.data(), in.data(), out.size());
      return;
    case DType::kF16:
      if (!is_finite(to_f16(peak))) fail_too_large(type, peak);
      narrow<f16>(in, out.data(), to_f16);
      return;
    case DType::kBF16:
      if (!std::isfinite(to_f32(to_bf16(peak)))) fail_too_large(type, peak);
      narrow<bf16>(in, out.data(), to_bf16);
      return;
    default:
      break;
  }
  visit_block(type, [&](auto block) { quantize_blocks<typename decltype(block)::type>(in, out.data(), peak); });
}

}  // namespace patina::quant
