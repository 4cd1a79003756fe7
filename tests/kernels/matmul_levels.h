#pragma once

#include <string_view>
#include <vector>

#include "kernels/dispatch.h"

namespace patina::kernels::testing {

struct NamedTable {
  std::string_view name;
  const MatmulKernels* table;
};

// Every level that this CPU can run.
inline std::vector<NamedTable> matmul_levels() {
  std::vector<NamedTable> out;
  for (const Level level : available_levels()) out.push_back({kernels_for(level).name, &kernels_for(level).matmul});
  return out;
}

}  // namespace patina::kernels::testing
