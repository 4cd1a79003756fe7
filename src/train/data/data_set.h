#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/digest.h"
#include "train/data/example.h"

namespace patina::train {

// What a run has to know of all examples before it begins.
struct DataTotals {
  uint64_t tokens = 0;
  uint64_t loss_tokens = 0;
  size_t longest = 0;   // tokens of the longest example; of a preference, both answers with the prompt once
  uint64_t digest = 0;  // tells these examples, in this order, from others
};

// Adds up totals, one example after the other.
class DataTally {
 public:
  void add(const Example& example);
  DataTotals totals() const;

 private:
  void add_sequence(const Example& example);

  DataTotals totals_;
  Digest digest_;
};

// Examples in a fixed order, each made when it is asked for. Safe to share between threads.
class DataSet {
 public:
  DataSet() = default;
  DataSet(const DataSet&) = delete;
  DataSet& operator=(const DataSet&) = delete;
  virtual ~DataSet() = default;

  virtual size_t size() const = 0;
  virtual Example example(size_t index) const = 0;    // index below size()
  virtual std::string place(size_t index) const = 0;  // where the user finds it: "data.txt:7"
  virtual const DataTotals& totals() const = 0;
};

// Examples held in memory.
class ExampleList final : public DataSet {
 public:
  explicit ExampleList(std::vector<Example> examples);

  size_t size() const override { return examples_.size(); }
  Example example(size_t index) const override { return examples_[index]; }
  std::string place(size_t index) const override;  // "example 1", counted from there
  const DataTotals& totals() const override { return totals_; }

 private:
  std::vector<Example> examples_;
  DataTotals totals_;
};

}  // namespace patina::train
