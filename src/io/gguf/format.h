#pragma once

#include <cstdint>

// Constants of the GGUF file format (ggml docs/gguf.md); docs/formats/gguf.md draws it byte by byte.
namespace patina::io::gguf {

constexpr uint32_t kMagic = 0x46554747;  // the bytes "GGUF"
constexpr uint32_t kOldestVersion = 2;
constexpr uint32_t kNewestVersion = 3;
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint64_t kMinAlignment = 8;
constexpr uint64_t kMaxAlignment = uint64_t{1} << 20;
constexpr const char* kAlignmentKey = "general.alignment";

constexpr const char* kSplitNumberKey = "split.no";  // of this part, from 0
constexpr const char* kSplitCountKey = "split.count";
constexpr const char* kSplitTensorsKey = "split.tensors.count";  // of all parts together

// Limits of ours, far above any real file, so that a small hostile file cannot ask for much memory.
constexpr uint64_t kMaxKeyBytes = 65535;                   // the format's own
constexpr uint64_t kMaxArrayElements = uint64_t{1} << 24;  // of all arrays of a file together

}  // namespace patina::io::gguf
