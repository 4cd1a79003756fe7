#include <cstring>

#include "base/half.h"
#include "kernels/matmul.h"
#include "kernels/packed_layout.h"
#include "quant/codec.h"

namespace patina::kernels {
namespace {

using quant::DType;

uint32_t word(const uint8_t* bytes) {
  uint32_t value = 0;
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

// The four bytes of one lane of a plane's vector `j`, from the 32 codes of a k-block; codes are below 2^Bits.
template <int Bits>
uint32_t plane_word(const uint8_t* codes, int j) {
  if constexpr (Bits == 8) return word(codes + 4 * j);
  if constexpr (Bits == 4) return word(codes + 4 * j) | word(codes + 4 * (j + 4)) << 4;
  if constexpr (Bits == 2) {
    return word(codes + 16 * j) | word(codes + 16 * j + 4) << 2 | word(codes + 16 * j + 8) << 4 |
           word(codes + 16 * j + 12) << 6;
  }
  if constexpr (Bits == 1) {
    uint32_t bits = 0;
    for (int i = 0; i < kCodeVectors; ++i) bits |= word(codes + 4 * i) << i;
    return bits;
  }
}

// Writes bits Shift .. Shift + Bits - 1 of a k-block's codes to lane `lane` of a plane.
template <int Bits, int Shift, int CodeBits>
void write_plane(const uint8_t* codes, int64_t lane, std::byte* plane) {
  uint8_t field[kBlockColumns];
  if constexpr (Shift != 0 || Bits != CodeBits) {
    for (int i = 0; i < kBlockColumns; ++i) field[i] = static_cast<uint8_t>((codes[i] >> Shift) & ((1 << Bits) - 1));
    codes = field;
  }
  for (int j = 0; j < Bits; ++j) {
    const uint32_t value = plane_word<Bits>(codes, j);
    std::memcpy(plane + j * kVectorBytes + 4 * lane, &value, sizeof(value));
  }
}

void put_half(std::byte* to, int64_t lane, f16 value) { std::memcpy(to + 2 * lane, &value, sizeof(value)); }
void put_byte(std::byte* to, int64_t lane, uint8_t value) { to[lane] = static_cast<std::byte>(value); }

// Scales of block number `index` of a group (always 0 for superblocks) to lane `lane`.
template <typename Block>
void write_scales(const Block& block, int index, int64_t lane, std::byte* scales) {
  constexpr ScaleForm kForm = packed_format(Block::kType).scales;
  if constexpr (kForm == ScaleForm::kScale) {
    put_half(scales + 32 * index, lane, block.d);
  } else if constexpr (kForm == ScaleForm::kScaleOffset) {
    put_half(scales + 64 * index, lane, block.d);
    put_half(scales + 64 * index + 32, lane, block.m);
  } else {
    put_half(scales, lane, block.d);
  }
  if constexpr (kForm == ScaleForm::kSixBitWithMin) {
    put_half(scales + 32, lane, block.dmin);
    const quant::ScalesAndMins stored = quant::unpack_scales_and_mins(block.scales);
    for (size_t g = 0; g < 8; ++g) {
      put_byte(scales + 64 + 16 * g, lane, stored.scales[g]);
      put_byte(scales + 192 + 16 * g, lane, stored.mins[g]);
    }
  } else if constexpr (kForm == ScaleForm::kSigned) {
    for (int g = 0; g < 16; ++g) put_byte(scales + 32 + 16 * g, lane, static_cast<uint8_t>(block.scales[g]));
  } else if constexpr (kForm == ScaleForm::kFourBitWithMin) {
    put_half(scales + 32, lane, block.dmin);
    for (int g = 0; g < 16; ++g) put_byte(scales + 64 + 16 * g, lane, block.scales[g]);
  } else if constexpr (kForm == ScaleForm::kSixBit) {
    // The file's own fields have the same strides.
    for (int j = 0; j < 12; ++j) put_byte(scales + 32 + 16 * j, lane, block.scales[j]);
  }
}

// Bits 0, 2, 4, ... to the lower half, 1, 3, 5, ... to the upper half.
uint32_t unshuffle(uint32_t bits) {
  const auto swap = [&bits](uint32_t mask, int distance) {
    const uint32_t differ = (bits ^ (bits >> distance)) & mask;
    bits ^= differ ^ (differ << distance);
  };
  swap(0x22222222, 1);
  swap(0x0C0C0C0C, 2);
  swap(0x00F000F0, 4);
  swap(0x0000FF00, 8);
  return bits;
}

// Blocks of 32 with four low bits: the file has elements j and j + 16 in byte j, just as the plane does, and a fifth
// bit of element i in bit i of a word; the plane wants bit 4 i + b in bit i of byte b.
template <typename Block>
void pack_small_block(const Block& block, int index, int64_t lane, std::byte* group) {
  constexpr PackedFormat kFormat = packed_format(Block::kType);
  write_scales(block, index, lane, group);
  std::byte* plane = group + kFormat.scale_bytes + index * kFormat.block_bytes() + 4 * lane;
  for (int j = 0; j < 4; ++j) std::memcpy(plane + j * kVectorBytes, block.qs + 4 * j, 4);
  if constexpr (kFormat.high_bits != 0) {
    const uint32_t high = unshuffle(unshuffle(word(block.qh)));
    std::memcpy(plane + kFormat.low_bytes(), &high, sizeof(high));
  }
}

template <typename Block>
void pack_large_block(const Block& block, int index, int64_t lane, std::byte* group) {
  constexpr PackedFormat kFormat = packed_format(Block::kType);
  uint8_t codes[Block::kElements];
  quant::unpack_codes(block, codes);
  write_scales(block, index, lane, group);
  constexpr int kBlocks = Block::kElements / kBlockColumns;
  std::byte* planes = group + kFormat.scale_bytes + index * kBlocks * kFormat.block_bytes();
  for (int b = 0; b < kBlocks; ++b) {
    const uint8_t* block_codes = codes + b * kBlockColumns;
    std::byte* low = planes + b * kFormat.block_bytes();
    write_plane<kFormat.low_bits, 0, kFormat.low_bits + kFormat.high_bits>(block_codes, lane, low);
    if constexpr (kFormat.high_bits != 0) {
      write_plane<kFormat.high_bits, kFormat.low_bits, 0>(block_codes, lane, low + kFormat.low_bytes());
    }
  }
}

template <typename Block>
void pack_block(const Block& block, int index, int64_t lane, std::byte* group) {
  constexpr PackedFormat kFormat = packed_format(Block::kType);
  if constexpr (kFormat.low_bits == 4 && Block::kElements == kBlockColumns) {
    return pack_small_block(block, index, lane, group);
  } else {
    pack_large_block(block, index, lane, group);
  }
}

template <typename Block>
void pack_panel(const std::byte* rows, int64_t row_count, int64_t cols, std::byte* panel) {
  constexpr PackedFormat kFormat = packed_format(Block::kType);
  constexpr int64_t kBlocksPerGroup = kFormat.group_blocks * kBlockColumns / Block::kElements;
  const int64_t blocks = cols / Block::kElements;
  const int64_t row_stride = blocks * static_cast<int64_t>(sizeof(Block));
  for (int64_t b = 0; b < blocks; ++b) {
    std::byte* group = panel + b / kBlocksPerGroup * kFormat.group_bytes();
    for (int64_t lane = 0; lane < row_count; ++lane) {
      const Block block = quant::load_block<Block>(rows + lane * row_stride, b);
      pack_block(block, static_cast<int>(b % kBlocksPerGroup), lane, group);
    }
  }
}

template <typename Element>
void pack_float_panel(const std::byte* rows, int64_t row_count, int64_t cols, std::byte* panel) {
  constexpr auto kSize = static_cast<int64_t>(sizeof(Element));
  for (int64_t k = 0; k < cols; ++k) {
    for (int64_t lane = 0; lane < row_count; ++lane) {
      std::memcpy(panel + (k * kPanelRows + lane) * kSize, rows + (lane * cols + k) * kSize, sizeof(Element));
    }
  }
}

void pack_one(DType type, const std::byte* rows, int64_t row_count, int64_t cols, std::byte* panel) {
  if (quant::is_float(type)) {
    if (float_bytes(type) == 4) return pack_float_panel<uint32_t>(rows, row_count, cols, panel);
    return pack_float_panel<uint16_t>(rows, row_count, cols, panel);
  }
  quant::visit_block(type,
                     [&](auto block) { pack_panel<typename decltype(block)::type>(rows, row_count, cols, panel); });
}

}  // namespace

bool backward_in_bytes(DType type) { return !quant::is_float(type) && packed_format(type).small_codes(); }

int64_t panel_bytes(DType type, int64_t cols) {
  if (quant::is_float(type)) {
    const int64_t bytes = cols * kPanelRows * float_bytes(type);
    return (bytes + kVectorBytes - 1) / kVectorBytes * kVectorBytes;
  }
  const PackedFormat format = packed_format(type);
  const int64_t columns = static_cast<int64_t>(format.group_blocks) * kBlockColumns;
  return (cols + columns - 1) / columns * format.group_bytes();
}

void pack_panels(DType type, const std::byte* file_rows, int64_t rows, int64_t cols, Range panels, std::byte* packed) {
  const int64_t bytes = panel_bytes(type, cols);
  const int64_t row_stride = quant::row_bytes(type, cols);
  for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
    const int64_t first = panel * kPanelRows;
    const int64_t count = rows - first < kPanelRows ? rows - first : kPanelRows;
    std::byte* out = packed + panel * bytes;
    // Whole panels of whole groups are written in full; the rest has lanes or k-blocks that must read as zeros.
    std::memset(out, 0, static_cast<size_t>(bytes));
    pack_one(type, file_rows + first * row_stride, count, cols, out);
  }
}

}  // namespace patina::kernels
