#include "train/data/row_list.h"

#include "base/error.h"

namespace patina::train {
namespace {

constexpr int kBits = 7;
constexpr uint8_t kMore = 1U << kBits;

}  // namespace

void RowList::add(RowId row) {
  if (size_ > 0 && row.number() <= last_) {
    fail(ErrorKind::kInvalidArgument, "row {} of a list does not come after the one before it; add rows in order",
         size_);
  }
  if (size_ % kGroup == 0) {
    groups_.push_back({row, distances_.size()});
  } else {
    uint64_t distance = row.number() - last_;
    for (; distance >= kMore; distance >>= kBits) distances_.push_back(static_cast<uint8_t>(distance) | kMore);
    distances_.push_back(static_cast<uint8_t>(distance));
  }
  last_ = row.number();
  ++size_;
}

RowId RowList::operator[](size_t index) const {
  const Group& group = groups_[index / kGroup];
  uint64_t number = group.first.number();
  size_t at = group.distances;
  for (size_t i = index % kGroup; i > 0; --i) {
    int shift = 0;
    for (; (distances_[at] & kMore) != 0; ++at, shift += kBits) {
      number += static_cast<uint64_t>(distances_[at] & (kMore - 1)) << shift;
    }
    number += static_cast<uint64_t>(distances_[at++]) << shift;
  }
  return RowId(number);
}

}  // namespace patina::train
