#pragma once

#include <cstdint>

namespace patina::kernels {
namespace {

// Calls f.template operator()<T>(t) for whole tiles of T = kTile tokens from t on, and once for those that are left.
template <int kTile, typename F>
[[gnu::always_inline]] inline void each_tile(int64_t tokens, const F& f) {
  int64_t t = 0;
  for (; t + kTile <= tokens; t += kTile) f.template operator()<kTile>(t);
  const auto rest = [&]<int T>(const auto& self) {
    if (tokens - t == T) return f.template operator()<T>(t);
    if constexpr (T > 1) self.template operator()<T - 1>(self);
  };
  if (t < tokens) rest.template operator()<kTile - 1>(rest);
}

}  // namespace
}  // namespace patina::kernels
