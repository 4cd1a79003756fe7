#pragma once

#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "kernels/packed_layout.h"
#include "kernels/prefetch.h"
#include "kernels/quad_order.h"

// What a level gives to the loops in kernels/generic: vectors of one 32-bit element a panel row, as 4 bytes (Bytes),
// an integer (Ints) or a number (Floats). Plain loops; the other levels' files have the same functions.
namespace patina::kernels {
namespace {

struct ScalarIsa {
  struct Bytes {
    uint32_t lane[kPanelRows];
  };
  struct Ints {
    int32_t lane[kPanelRows];
  };
  struct Floats {
    float lane[kPanelRows];
  };
  static constexpr int kFloatTile = 4;
  static constexpr int kPairTile = 4;  // tokens of the backward product in integers
  static constexpr int kQuadTile = 4;  // tokens of the backward product in bytes
  // Quads of rows whose products with codes of so many bits add up before quad_totals: a part of a group's 16.
  static constexpr int quad_run(int /*code_bits*/) { return 16; }
  static constexpr uint8_t kQuadExcess = 128;  // what gradients are multiplied with too much, to have no sign
  // Of weights with a low plane of so many bits, where so few tokens meet all of them.
  static constexpr Prefetch prefetch(int /*low_bits*/, int /*tokens*/) { return {4096, 1}; }
  // Whether codes are unpacked inline, those that few tokens meet where `dot` multiplies them.
  static constexpr bool kInlineCodes = false;
  static constexpr bool kSignedBytes = false;
  // Whether `dot` can multiply sums with factors (to_factors and load_factors of isa_avx2.h).
  static constexpr bool kWholeFactors = false;
  // Whether sums begin with integers that the activations bring (broadcast_int) and are read as floats (as_floats; fma
  // then rounds once), or those of pairs in 16 bits do (dot_from and store_pair_starts of isa_avx2.h), and whether
  // columns are multiplied in pairs (functions of isa_avx512.h and isa_zen4.h): see generic/dot_block.h and
  // generic/paired_block.h.
  static constexpr bool kIntegerStarts = false;
  static constexpr bool kPairStarts = false;
  static constexpr bool kPairsColumns = false;
  // Tokens that `dot` multiplies at a time; `added`: parts of a block whose results are added up before they are scaled
  // as the activations are.
  static constexpr int dot_tokens(int /*max_code*/, int /*added*/) { return 1; }

  template <typename Out, typename F>
  static Out each(const F& f) {
    Out out;
    for (int r = 0; r < kPanelRows; ++r) out.lane[r] = f(r);
    return out;
  }

  // Bytes. Shifts move bits across the bytes of a lane; `mask` keeps the same bits of every byte.
  static Bytes load_bytes(const uint8_t* from) {
    Bytes out;
    std::memcpy(out.lane, from, sizeof(out.lane));
    return out;
  }
  static Bytes mask(Bytes v, uint8_t m) {
    return each<Bytes>([&](int r) { return v.lane[r] & (m * 0x01010101U); });
  }
  template <int kBits>
  static Bytes shift_left(Bytes v) {
    return each<Bytes>([&](int r) { return v.lane[r] << kBits; });
  }
  template <int kBits>
  static Bytes shift_right(Bytes v) {
    return each<Bytes>([&](int r) { return v.lane[r] >> kBits; });
  }
  static Bytes merge(Bytes a, Bytes b) {
    return each<Bytes>([&](int r) { return a.lane[r] | b.lane[r]; });
  }
  [[gnu::noinline]] static Bytes look_up(Bytes indices) {
    return each<Bytes>([&](int r) {
      uint32_t out = 0;
      for (int b = 0; b < 32; b += 8) out |= static_cast<uint32_t>(kTableCodes[(indices.lane[r] >> b) & 15U]) << b;
      return out;
    });
  }
  template <int kByte>
  static Ints byte(Bytes v) {
    return each<Ints>([&](int r) { return static_cast<int32_t>((v.lane[r] >> (8 * kByte)) & 255U); });
  }

  // Ints.
  static Ints zero_ints() { return {}; }
  static Ints subtract(Ints v, int32_t amount) {
    return each<Ints>([&](int r) { return v.lane[r] - amount; });
  }
  static Ints bits(Ints v, int shift, int32_t keep) {
    return each<Ints>([&](int r) { return (v.lane[r] >> shift) & keep; });
  }
  [[gnu::noinline]] static Ints six_bit(Ints low, Ints high) {  // signed: low 4 bits, high 2 bits, minus 32
    return each<Ints>([&](int r) { return (low.lane[r] | (high.lane[r] << 4)) - 32; });
  }
  [[gnu::noinline]] static Ints load_u8(const uint8_t* from) {
    return each<Ints>([&](int r) { return static_cast<int32_t>(from[r]); });
  }
  [[gnu::noinline]] static Ints load_i8(const uint8_t* from) {
    return each<Ints>([&](int r) { return static_cast<int32_t>(static_cast<int8_t>(from[r])); });
  }
  // For each n < N adds to sum[n], or to zero where kFresh, over kVectors vectors i from kFirst on and bytes b,
  // codes[i] * a[i * stride + 4 n + b]; no code is above kMaxCode. Levels with kSignedBytes take 8-bit codes
  // (kMaxCode = 255) through to_signed. Not inlined: copies in every tile would only lengthen the build.
  template <int kFirst, int kVectors, int kMaxCode, bool kFresh, int N, typename Codes>
  [[gnu::noinline]] static void dot(Ints (&sum)[N], const Codes& codes, const int8_t* a, int64_t stride) {
    static_assert(N == 1);
    if constexpr (kFresh) sum[0] = zero_ints();
    for (int i = kFirst; i < kFirst + kVectors; ++i) {
      for (int b = 0; b < 4; ++b) {
        const int8_t factor = a[i * stride + b];
        for (int r = 0; r < kPanelRows; ++r) {
          sum[0].lane[r] += static_cast<int32_t>((codes[i].lane[r] >> (8 * b)) & 255U) * factor;
        }
      }
    }
  }

  // sum += pairs[2 r] * factors[0] + pairs[2 r + 1] * factors[1] in each lane r, of integers of 16 bits.
  static void add_pair_products(Ints& sum, const Bytes& pairs, const int16_t* factors) {
    for (int r = 0; r < kPanelRows; ++r) {
      const auto even = static_cast<int16_t>(pairs.lane[r] & 0xFFFFU);
      const auto odd = static_cast<int16_t>(pairs.lane[r] >> 16);
      sum.lane[r] += even * factors[0] + odd * factors[1];
    }
  }

  // An integer of 16 bits for each row, as store_pairs takes it.
  struct PairFactors {
    int16_t row[kPanelRows];
  };
  static PairFactors load_pair_factors(const int16_t* from) {
    PairFactors out;
    std::memcpy(out.row, from, sizeof(out.row));
    return out;
  }
  // Rows in pairs: to[p * 2 * kPanelRows + 2 b + i], for pairs p < 8 and bytes b < 4 of row r = 2 p + i, becomes
  // (round(2^kShift * codes[r][b] * factors[r] / 2^15) - offsets[r]) / 4, rounded down. 2^kShift times the largest code
  // is below 2^15.
  template <int kShift>
  static void store_pairs(Bytes codes, const PairFactors& factors, const PairFactors& offsets, int16_t* to) {
    for (int r = 0; r < kPanelRows; ++r) {
      for (int b = 0; b < 4; ++b) {
        const auto code = static_cast<int32_t>((codes.lane[r] >> (8 * b)) & 255U);
        const int32_t product = ((code << kShift) * factors.row[r] + (1 << 14)) >> 15;
        to[r / 2 * 2 * kPanelRows + 2 * b + r % 2] = static_cast<int16_t>((product - offsets.row[r]) >> 2);
      }
    }
  }

  // The backward product in bytes, layouts as in generic/weight_quads.h: 16 rows of 4 columns of 8 bits, each minus
  // `zero`, to the four quads of a panel.
  static void store_quads(Bytes codes, int8_t zero, int8_t* to) {
    for (int r = 0; r < kPanelRows; ++r) {
      int8_t* out = to + quad_place(0, r / kQuadRows) * kVectorBytes;
      for (int b = 0; b < 4; ++b) {
        const auto code = static_cast<int32_t>((codes.lane[r] >> (8 * b)) & 255U);
        out[4 * b + r % 4] = static_cast<int8_t>(code - zero);
      }
    }
  }
  // sum += in each lane the four products of the weights' signed bytes and the quad's unsigned ones. A level may keep
  // sums in another form, which load_quad_sums takes from memory, where store_negated_quads writes them with the
  // opposite sign, and quad_totals makes integers of.
  static void add_quad_products(Ints& sum, const Bytes& weights, const uint8_t* quad) {
    for (int r = 0; r < kPanelRows; ++r) {
      for (int b = 0; b < 4; ++b) sum.lane[r] += static_cast<int8_t>((weights.lane[r] >> (8 * b)) & 255U) * quad[b];
    }
  }
  static Ints load_quad_sums(const uint8_t* from) {
    Ints out;
    std::memcpy(out.lane, from, sizeof(out.lane));
    return out;
  }
  static void store_negated_quads(Ints sum, uint8_t* to) {
    const Ints negated = each<Ints>([&](int r) { return -sum.lane[r]; });
    std::memcpy(to, negated.lane, sizeof(negated.lane));
  }
  static Ints quad_totals(Ints sum) { return sum; }
  // Integers of 16 bits for the 64 rows of a group. A level wants panel `panel` of its 4 at panel_place(panel), and
  // load_group takes them in that order.
  struct Group {
    int16_t row[kGroupRows];
  };
  static constexpr int64_t panel_place(int64_t panel) { return panel; }
  static Group load_group(const int16_t* from) {
    Group out;
    std::memcpy(out.row, from, sizeof(out.row));
    return out;
  }
  // Each gradient becomes round(round(gradient * factor / 2^15) / 2^8) + kQuadExcess, in the quads' order.
  static void scale_group(const Group& gradients, const Group& factors, uint8_t* to) {
    for (int r = 0; r < kGroupRows; ++r) {
      const int32_t scaled = (gradients.row[r] * factors.row[r] + (1 << 14)) >> 15;
      const int32_t byte = (scaled + (1 << 7)) >> 8;
      const int64_t quad = quad_place(r / kPanelRows, r % kPanelRows / kQuadRows);
      to[quad * kQuadRows + r % kQuadRows] = static_cast<uint8_t>(byte + kQuadExcess);
    }
  }
  // Lanes that together are the sum of a[i] * b[i], four products in each.
  static Ints group_products(const Group& a, const Group& b) {
    Ints sum = {};
    for (int i = 0; i < kGroupRows; ++i) sum.lane[i % kPanelRows] += a.row[i] * b.row[i];
    return sum;
  }

  // Floats.
  static Floats zero() { return {}; }
  static Floats to_floats(Ints v) {
    return each<Floats>([&](int r) { return static_cast<float>(v.lane[r]); });
  }
  static Floats load(const float* from) {
    return each<Floats>([&](int r) { return from[r]; });
  }
  static Floats load_some(const float* from, int lanes) {
    return each<Floats>([&](int r) { return r < lanes ? from[r] : 0.0F; });
  }
  [[gnu::noinline]] static Floats load_f16(const uint8_t* from) {
    uint16_t halves[kPanelRows];
    std::memcpy(halves, from, sizeof(halves));
    return each<Floats>([&](int r) { return to_f32(f16{halves[r]}); });
  }
  static Floats load_bf16(const uint8_t* from) {
    uint16_t halves[kPanelRows];
    std::memcpy(halves, from, sizeof(halves));
    return each<Floats>([&](int r) { return to_f32(bf16{halves[r]}); });
  }
  static Floats broadcast(const float* from) {
    return each<Floats>([&](int) { return *from; });
  }
  static void store(float* to, Floats v) { store_some(to, v, kPanelRows); }
  static void store_some(float* to, Floats v, int lanes) {
    for (int r = 0; r < lanes; ++r) to[r] = v.lane[r];
  }
  static Floats negate(Floats v) {
    return each<Floats>([&](int r) { return -v.lane[r]; });
  }
  static Floats add(Floats a, Floats b) {
    return each<Floats>([&](int r) { return a.lane[r] + b.lane[r]; });
  }
  static Floats sub(Floats a, Floats b) {
    return each<Floats>([&](int r) { return a.lane[r] - b.lane[r]; });
  }
  static Floats mul(Floats a, Floats b) {
    return each<Floats>([&](int r) { return a.lane[r] * b.lane[r]; });
  }
  static Floats fma(Floats a, Floats b, Floats c) {  // a * b + c; other levels round once
    return each<Floats>([&](int r) { return a.lane[r] * b.lane[r] + c.lane[r]; });
  }
  // out[r][k] = in[k][r], 16 x 16.
  static void transpose(const float* in, float* out) {
    for (int r = 0; r < kPanelRows; ++r) {
      for (int k = 0; k < kPanelRows; ++k) out[r * kPanelRows + k] = in[k * kPanelRows + r];
    }
  }
};

}  // namespace
}  // namespace patina::kernels
