#include "train/data/shares.h"

#include <algorithm>
#include <numeric>

namespace patina::train {

std::vector<uint32_t> share_of(const DataSet& data, std::span<const uint32_t> rows, Place place) {
  if (place.size == 1) return {rows.begin(), rows.end()};
  std::vector<uint64_t> tokens(rows.size());
  std::ranges::transform(rows, tokens.begin(), [&](uint32_t row) {
    const Example example = data.example(row);
    return example.tokens.size() + (example.rejected ? example.rejected->tokens.size() : 0);
  });
  std::vector<size_t> by_length(rows.size());
  std::iota(by_length.begin(), by_length.end(), size_t{0});
  std::ranges::sort(by_length,
                    [&](size_t a, size_t b) { return tokens[a] != tokens[b] ? tokens[a] > tokens[b] : a < b; });
  std::vector<uint64_t> loads(place.size);
  std::vector<size_t> own;
  for (const size_t i : by_length) {
    const auto lightest = std::ranges::min_element(loads);
    *lightest += tokens[i];
    if (static_cast<uint64_t>(lightest - loads.begin()) == place.rank) own.push_back(i);
  }
  std::ranges::sort(own);
  std::vector<uint32_t> share(own.size());
  std::ranges::transform(own, share.begin(), [&](size_t i) { return rows[i]; });
  return share;
}

}  // namespace patina::train
