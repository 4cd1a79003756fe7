#pragma once

#include <cstdint>

// Constants of the GGJT form, version 3, as llama.cpp wrote it from May to August 2023 (its llama.cpp and convert.py of
// that time); docs/formats/ggjt.md draws it byte by byte.
namespace patina::io::ggjt {

constexpr uint32_t kMagic = 0x67676a74;  // 'ggjt'; the file shows "tjgg"
constexpr uint32_t kVersion = 3;
constexpr uint64_t kAlignment = 32;

}  // namespace patina::io::ggjt
