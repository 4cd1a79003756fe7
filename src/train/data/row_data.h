#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "train/data/data_set.h"
#include "train/data/example.h"
#include "train/data/row_list.h"
#include "train/data/row_source.h"

namespace patina::train {

// The examples of a source's rows. A row takes a byte or two (RowList); it is read and tokenized whenever its example
// is asked for.
class RowData final : public DataSet {
 public:
  // Makes every example once, to count tokens and to know that all are good. Bad rows as RowSource::visit().
  RowData(std::shared_ptr<const RowSource> source, std::shared_ptr<const ExampleMaker> maker, const BadRowSink& on_bad);

  size_t size() const override { return rows_.size(); }
  Example example(size_t index) const override { return maker_->make(source_->read(rows_[index])); }
  std::string place(size_t index) const override { return source_->place(rows_[index]); }
  const DataTotals& totals() const override { return totals_; }

  // Takes about this share of the rows out, at least one and never all, and returns them, in their order; the seed
  // alone chooses which. What is left counts as long as before. Throws kInvalidArgument where there are not two rows.
  std::unique_ptr<RowData> hold_out(double share, uint64_t seed);

  Row row(size_t index) const { return source_->read(rows_[index]); }
  // How many rows are preferences.
  size_t preferences() const { return preferences_; }
  // How many rows are of that kind.
  size_t count(RowKind kind) const { return counts_[static_cast<size_t>(kind)]; }

 private:
  RowData(RowList rows, std::shared_ptr<const RowSource> source, std::shared_ptr<const ExampleMaker> maker);
  void count(const Row& row);

  std::shared_ptr<const RowSource> source_;
  std::shared_ptr<const ExampleMaker> maker_;
  RowList rows_;
  std::array<size_t, 3> counts_ = {};
  size_t preferences_ = 0;
  DataTotals totals_;
};

}  // namespace patina::train
