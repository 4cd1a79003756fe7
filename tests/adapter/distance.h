#pragma once

#include <cmath>
#include <cstddef>
#include <utility>

#include "adapter/lora_adapter.h"

namespace patina::adapter {

// The length of the difference of two adapters' matrices by the length of the first's.
inline double distance(const LoraAdapter& a, const LoraAdapter& b) {
  double difference = 0;
  double length = 0;
  for (size_t i = 0; i < a.entries.size(); ++i) {
    for (const auto& [x, y] : {std::pair(a.entries[i].a, b.entries[i].a), std::pair(a.entries[i].b, b.entries[i].b)}) {
      for (size_t k = 0; k < x.values().size(); ++k) {
        difference += std::pow(static_cast<double>(x.values()[k]) - static_cast<double>(y.values()[k]), 2);
        length += std::pow(static_cast<double>(x.values()[k]), 2);
      }
    }
  }
  return std::sqrt(difference / length);
}

}  // namespace patina::adapter
