#include "kernels/dispatch.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "base/error.h"
#include "kernels/levels.h"
#include "platform/cpu_features.h"

namespace patina::kernels {
namespace {

struct Entry {
  Kernels kernels;
  // Also asks the system for what the level needs.
  bool (*runs_on)(const platform::CpuFeatures&);
};

#if defined(__x86_64__)
bool runs_avx2(const platform::CpuFeatures& cpu) { return cpu.avx2 && cpu.fma && cpu.f16c && cpu.bmi2; }

bool runs_avx512(const platform::CpuFeatures& cpu) {
  return runs_avx2(cpu) && cpu.avx512f && cpu.avx512bw && cpu.avx512vl && cpu.avx512dq && cpu.avx512vnni;
}

bool runs_avx512_bf16(const platform::CpuFeatures& cpu) { return runs_avx512(cpu) && cpu.avx512bf16; }
#endif

constexpr std::array kLevelNames = {"scalar", "avx2", "avxvnni", "avx512", "zen4", "amx", "neon"};

// What this program holds, weakest first: the one place that knows the architecture it was built for.
const auto& entries() {
  static const std::array table = {
      Entry{{Level::kScalar, "scalar", kMatmulScalar, kVectorScalar, kKvTileScalar, kKvTileScalar, {}},
            [](const platform::CpuFeatures&) { return true; }},
#if defined(__x86_64__)
      Entry{{Level::kAvx2, "avx2", kMatmulAvx2, kVectorAvx2, kKvTileAvx2, kKvTileAvx2, kPeakAvx2}, runs_avx2},
      // AVX-VNNI has products of integers only.
      Entry{{Level::kAvxVnni, "avxvnni", kMatmulAvxVnni, kVectorAvx2, kKvTileAvx2, kKvTileAvx2, kPeakAvxVnni},
            [](const platform::CpuFeatures& cpu) { return runs_avx2(cpu) && cpu.avxvnni; }},
      Entry{{Level::kAvx512, "avx512", kMatmulAvx512, kVectorAvx512, kKvTileAvx512, kKvTileAvx512, kPeakAvx512},
            runs_avx512},
      Entry{{Level::kZen4, "zen4", kMatmulZen4, kVectorAvx512, kKvTileZen4, kKvTileAvx512, kPeakAvx512},
            [](const platform::CpuFeatures& cpu) { return runs_avx512_bf16(cpu) && cpu.amd; }},
      Entry{{Level::kAmx, "amx", kMatmulAmx, kVectorAvx512, kKvTileAvx512, kKvTileAvx512, kPeakAmx},
            [](const platform::CpuFeatures& cpu) {
              return runs_avx512_bf16(cpu) && cpu.amx_bf16 && platform::allow_tiles();
            }},
#elif defined(__aarch64__)
      Entry{{Level::kNeon, "neon", kMatmulNeon, kVectorNeon, kKvTileNeon, kKvTileNeon, kPeakNeon},
            [](const platform::CpuFeatures& cpu) { return cpu.neon && cpu.neon_dotprod; }},
#endif
  };
  return table;
}

std::vector<const Kernels*> available() {
  const platform::CpuFeatures cpu = platform::detect_cpu_features();
  std::vector<const Kernels*> tables;
  for (const Entry& entry : entries()) {
    if (entry.runs_on(cpu)) tables.push_back(&entry.kernels);
  }
  return tables;
}

// "scalar, avx2". (fmt::join would do, but g++ 12 warns inside fmt's own header.)
template <typename Names>
std::string listed(const Names& names) {
  std::string out;
  for (const auto& name : names) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

}  // namespace

std::vector<Level> available_levels() {
  std::vector<Level> levels;
  for (const Kernels* table : available()) levels.push_back(table->level);
  return levels;
}

const Kernels& kernels_for(Level level) {
  const std::vector<const Kernels*> tables = available();
  std::vector<std::string_view> names;
  for (const Kernels* table : tables) {
    if (table->level == level) return *table;
    names.push_back(table->name);
  }
  fail(ErrorKind::kUnsupported, "this processor cannot run the {} kernels; choose one of: {}",
       kLevelNames.at(static_cast<size_t>(level)), listed(names));
}

const Kernels& default_kernels() {
  const char* word = std::getenv("PATINA_ISA");  // NOLINT(concurrency-mt-unsafe)
  if (word == nullptr || *word == '\0') return *available().back();
  const auto* found = std::find(kLevelNames.begin(), kLevelNames.end(), std::string_view(word));
  if (found == kLevelNames.end()) {
    fail(ErrorKind::kInvalidArgument, "PATINA_ISA={} is no instruction set; use one of: {}", word, listed(kLevelNames));
  }
  return kernels_for(static_cast<Level>(found - kLevelNames.begin()));
}

}  // namespace patina::kernels
