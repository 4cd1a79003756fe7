#pragma once

#include <string_view>
#include <vector>

#include "kernels/levels.h"
#include "platform/cpu_features.h"

namespace patina::kernels::testing {

struct NamedTable {
  std::string_view name;
  const MatmulKernels* table;
};

// Every level that this CPU can run.
inline std::vector<NamedTable> matmul_levels() {
  std::vector<NamedTable> out = {{"scalar", &kMatmulScalar}};
#ifdef __x86_64__
  const platform::CpuFeatures cpu = platform::detect_cpu_features();
  if (cpu.avx2 && cpu.fma && cpu.f16c) out.push_back({"avx2", &kMatmulAvx2});
  if (cpu.avx512vnni) out.push_back({"avx512", &kMatmulAvx512});
#endif
  return out;
}

}  // namespace patina::kernels::testing
