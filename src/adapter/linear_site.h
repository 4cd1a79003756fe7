#pragma once

#include <cstdint>
#include <string>

namespace patina::adapter {

// A place in a model where an adapter can act: the linear layer of the tensor NAME ("blk.0.attn_q", without ".weight")
// that maps rows of `in` numbers to rows of `out`.
struct LinearSite {
  std::string name;
  int64_t in;
  int64_t out;
};

}  // namespace patina::adapter
