#include "train/data/row_data.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/error.h"
#include "train/data/batch.h"

namespace patina::train {
namespace {

constexpr uint64_t kHoldOutEpoch = UINT64_MAX;  // no epoch of training has its order

}  // namespace

RowData::RowData(std::shared_ptr<const RowSource> source, std::shared_ptr<const ExampleMaker> maker,
                 const BadRowSink& on_bad)
    : source_(std::move(source)), maker_(std::move(maker)) {
  DataTally tally;
  source_->visit(
      [&](RowId id, const Row& row) {
        tally.add(maker_->make(row));
        rows_.add(id);
        count(row);
      },
      on_bad);
  totals_ = tally.totals();
}

RowData::RowData(RowList rows, std::shared_ptr<const RowSource> source, std::shared_ptr<const ExampleMaker> maker)
    : source_(std::move(source)), maker_(std::move(maker)), rows_(std::move(rows)) {
  DataTally tally;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Row row = source_->read(rows_[i]);
    tally.add(maker_->make(row));
    count(row);
  }
  totals_ = tally.totals();
}

void RowData::count(const Row& row) {
  ++counts_[static_cast<size_t>(row.kind)];
  preferences_ += row.rejected ? 1 : 0;
}

std::unique_ptr<RowData> RowData::hold_out(double share, uint64_t seed) {
  if (size() < 2) fail(ErrorKind::kInvalidArgument, "of a single row none can be held out; give more rows");
  const auto wished = static_cast<size_t>(std::llround(share * static_cast<double>(size())));
  const size_t count = std::clamp<size_t>(wished, 1, size() - 1);
  std::vector<bool> is_out(size());
  const std::vector<uint32_t> order = epoch_order(size(), seed, kHoldOutEpoch);
  for (const uint32_t index : std::span(order).first(count)) is_out[index] = true;
  RowList out;
  RowList left;
  for (size_t i = 0; i < size(); ++i) (is_out[i] ? out : left).add(rows_[i]);
  rows_ = std::move(left);
  std::unique_ptr<RowData> held(new RowData(std::move(out), source_, maker_));
  for (size_t kind = 0; kind < counts_.size(); ++kind) counts_[kind] -= held->counts_[kind];
  preferences_ -= held->preferences_;
  totals_.tokens -= held->totals_.tokens;
  totals_.loss_tokens -= held->totals_.loss_tokens;
  Digest digest;
  digest.add_number(totals_.digest);
  digest.add_number(held->totals_.digest);
  totals_.digest = digest.value();
  return held;
}

}  // namespace patina::train
