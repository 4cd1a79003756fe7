#include "model/architecture.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace patina::model {

namespace {
constexpr std::array<const ArchitectureInfo*, 4> kArchitectures = {&kLlama, &kQwen2, &kQwen3, &kGemma3};
}  // namespace

std::vector<std::string> architecture_names() {
  std::vector<std::string> names;
  names.reserve(kArchitectures.size());
  for (const ArchitectureInfo* info : kArchitectures) names.emplace_back(info->name);
  return names;
}

const ArchitectureInfo& find_architecture(std::string_view name) {
  const auto* const found =
      std::ranges::find_if(kArchitectures, [&](const ArchitectureInfo* info) { return info->name == name; });
  if (found == kArchitectures.end()) {
    fail(ErrorKind::kUnsupported, "models of the architecture \"{}\" are not supported; supported are {}", name,
         fmt::join(architecture_names(), ", "));
  }
  return **found;
}

}  // namespace patina::model
