#pragma once

#include <cstdint>
#include <string_view>

// Constants of the ggla form of adapters, version 1, as llama.cpp read it from April 2023 to July 2024
// (llama_apply_lora_from_file_internal; written by convert-lora-to-ggml.py and examples/finetune);
// docs/formats/ggla.md draws it byte by byte.
namespace patina::io::ggla {

constexpr uint32_t kMagic = 0x67676c61;  // 'ggla'; the file shows "algg"
constexpr uint32_t kVersion = 1;
constexpr uint64_t kAlignment = 32;  // of a tensor's data, counted from the start of the file
constexpr uint32_t kMaxDimensions = 2;
constexpr uint64_t kMaxNameBytes = 4096;

constexpr std::string_view kSuffixA = ".loraA";
constexpr std::string_view kSuffixB = ".loraB";

// Metadata of a parsed file: the rank that alpha is divided by, beside GGUF's keys for the rest.
constexpr const char* kRankKey = "ggla.rank";

}  // namespace patina::io::ggla
