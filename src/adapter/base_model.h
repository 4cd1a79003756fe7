#pragma once

#include <cstdint>
#include <string>

namespace patina::adapter {

// What of its model the form of an adapter can depend on.
struct BaseModel {
  std::string architecture;  // general.architecture, "llama"
  int64_t heads = 0;
  int64_t kv_heads = 0;
};

}  // namespace patina::adapter
