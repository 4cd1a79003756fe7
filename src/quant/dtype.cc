#include "quant/dtype.h"

#include <algorithm>
#include <array>

namespace patina::quant {
namespace {

struct Entry {
  DType type;
  DTypeInfo info;
};

// Block sizes: the structs of quant/blocks.h, which check these numbers at compile time.
constexpr std::array kTypes = {
    Entry{DType::kF32, {"F32", 1, 4}},         Entry{DType::kF16, {"F16", 1, 2}},
    Entry{DType::kQ4_0, {"Q4_0", 32, 18}},     Entry{DType::kQ4_1, {"Q4_1", 32, 20}},
    Entry{DType::kQ5_0, {"Q5_0", 32, 22}},     Entry{DType::kQ5_1, {"Q5_1", 32, 24}},
    Entry{DType::kQ8_0, {"Q8_0", 32, 34}},     Entry{DType::kQ2_K, {"Q2_K", 256, 84}},
    Entry{DType::kQ3_K, {"Q3_K", 256, 110}},   Entry{DType::kQ4_K, {"Q4_K", 256, 144}},
    Entry{DType::kQ5_K, {"Q5_K", 256, 176}},   Entry{DType::kQ6_K, {"Q6_K", 256, 210}},
    Entry{DType::kIQ4_NL, {"IQ4_NL", 32, 18}}, Entry{DType::kBF16, {"BF16", 1, 2}},
};

constexpr size_t kIds = 31;

// Position in kTypes by id, so that info() is one load.
constexpr std::array<uint8_t, kIds> kPositions = [] {
  std::array<uint8_t, kIds> positions{};
  positions.fill(kTypes.size());
  for (size_t i = 0; i < kTypes.size(); ++i) positions[static_cast<size_t>(kTypes[i].type)] = static_cast<uint8_t>(i);
  return positions;
}();

constexpr char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

}  // namespace

std::optional<DType> dtype_from_id(uint32_t id) {
  if (id >= kIds || kPositions[id] == kTypes.size()) return std::nullopt;
  return static_cast<DType>(id);
}

std::optional<DType> dtype_from_name(std::string_view name) {
  const auto same = [name](const Entry& entry) { return std::ranges::equal(name, entry.info.name, {}, to_upper); };
  const auto found = std::ranges::find_if(kTypes, same);
  if (found == kTypes.end()) return std::nullopt;
  return found->type;
}

const DTypeInfo& info(DType type) { return kTypes[kPositions[static_cast<size_t>(type)]].info; }

}  // namespace patina::quant
