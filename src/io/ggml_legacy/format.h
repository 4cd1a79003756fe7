#pragma once

#include <cstdint>

// Constants of the GGJT form, version 3, as llama.cpp wrote it from May to August 2023 (llama.cpp and convert.py as in
// the PyPI package llama-cpp-python 0.1.78); docs/formats/ggjt.md draws it byte by byte.
namespace patina::io::ggjt {

constexpr uint32_t kMagic = 0x67676a74;  // 'ggjt'; the file shows "tjgg"
constexpr uint32_t kVersion = 3;
constexpr uint64_t kAlignment = 32;  // of a tensor's data, counted from the start of the file
constexpr uint32_t kMaxDimensions = 2;
constexpr uint32_t kLastType = 14;  // Q6_K; types are numbered as in GGUF
constexpr uint64_t kMaxNameBytes = 4096;
constexpr uint64_t kMaxTokens = uint64_t{1} << 24;

// What every reader of the time took for granted.
constexpr double kDefaultRmsNormEps = 5e-6;  // LLAMA_DEFAULT_RMS_EPS
constexpr uint64_t kDefaultContextLength = 2048;
constexpr double kDefaultRopeFreqBase = 10000.0;
constexpr uint64_t kUnknownToken = 0;
constexpr uint64_t kBosToken = 1;
constexpr uint64_t kEosToken = 2;

struct Hyperparameters {
  uint32_t vocab;
  uint32_t embedding;
  uint32_t multiple;  // the feed-forward length is rounded up to a multiple of it
  uint32_t heads;
  uint32_t layers;
  uint32_t rope_dimensions;
  uint32_t file_type;
};

// (8/3 · embedding) rounded up to a multiple of `multiple`; 0 counts as 1.
constexpr uint64_t feed_forward_length(uint64_t embedding, uint64_t multiple) {
  const uint64_t raw = 8 * embedding / 3;
  return multiple == 0 ? raw : (raw + multiple - 1) / multiple * multiple;
}

}  // namespace patina::io::ggjt
