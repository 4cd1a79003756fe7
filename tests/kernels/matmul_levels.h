#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "kernels/amx_emulated.h"
#include "kernels/dispatch.h"
#include "kernels/levels.h"
#if defined(__x86_64__)
#include "kernels/avxvnni_emulated.h"
#include "kernels/zen4_emulated.h"
#endif

namespace patina::kernels::testing {

inline bool is_available(Level level) {
  const std::vector<Level> levels = available_levels();
  return std::find(levels.begin(), levels.end(), level) != levels.end();
}

struct NamedTable {
  std::string_view name;
  const MatmulKernels* table;
};

// Every level that this CPU can run, those of AVX-VNNI and Zen 4 in AVX2 and that of AMX in plain loops.
inline std::vector<NamedTable> matmul_levels() {
  std::vector<NamedTable> out = {{"amx_emulated", &kMatmulAmxEmulated}};
  for (const Level level : available_levels()) {
    out.push_back({kernels_for(level).name, &kernels_for(level).matmul});
#if defined(__x86_64__)
    // Other makers' processors can run it, only slower than kAvx512.
    if (level == Level::kAvx512 && !is_available(Level::kZen4)) out.push_back({"zen4", &kMatmulZen4});
    if (level == Level::kAvx2) {
      out.push_back({"avxvnni_emulated", &kMatmulAvxVnniEmulated});
      out.push_back({"zen4_emulated", &kMatmulZen4Emulated});
    }
#endif
  }
  return out;
}

}  // namespace patina::kernels::testing
