#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "train/data/data_set.h"

namespace patina::train {

// One of `size` processes that share work out among themselves.
struct Place {
  uint64_t rank = 0;  // from 0
  uint64_t size = 1;
};

// Those of `rows` that are this process's to train on, in their order. Each row is some process's, and all come to
// about the same number of tokens: the longest first, each goes to who has the fewest so far. Every process makes
// examples of all rows for that, which takes no time beside training on one.
std::vector<uint32_t> share_of(const DataSet& data, std::span<const uint32_t> rows, Place place);

// Every size-th example of another data set, from the rank-th on; its totals are those of the other.
class EveryNth final : public DataSet {
 public:
  // `data` must outlive this.
  EveryNth(const DataSet& data, Place place) : data_(data), place_(place) {}

  size_t size() const override { return (data_.size() + place_.size - 1 - place_.rank) / place_.size; }
  Example example(size_t index) const override { return data_.example(at(index)); }
  std::string place(size_t index) const override { return data_.place(at(index)); }
  const DataTotals& totals() const override { return data_.totals(); }

 private:
  size_t at(size_t index) const { return place_.rank + index * place_.size; }

  const DataSet& data_;
  Place place_;
};

}  // namespace patina::train
