#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "train/data/example.h"
#include "train/data/row_list.h"
#include "train/data/row_source.h"

namespace patina::train {

// Lengths counted in classes of doubling width: [0, 1], [2, 3], [4, 7], ...
class LengthHistogram {
 public:
  struct Class {
    uint64_t least;
    uint64_t most;
    size_t count;
  };

  void add(uint64_t length);
  // From the class of the shortest length to that of the longest, those between without any too.
  std::vector<Class> classes() const;

 private:
  std::array<size_t, 64> counts_ = {};
};

// What is in the rows of a source.
struct DataStatistics {
  std::array<size_t, 3> counts = {};  // by RowKind
  size_t bad = 0;
  size_t too_long = 0;       // examples of more tokens than the context
  uint64_t length = 0;       // tokens of all examples, or characters of all rows
  uint64_t loss_length = 0;  // those that are learned
  uint64_t longest = 0;
  LengthHistogram histogram;
  RowList rows;                                          // all good ones; those too long too
  size_t duplicates = 0;                                 // rows that say the same as one before
  std::vector<std::pair<RowId, RowId>> some_duplicates;  // the first of them, with the row that each repeats

  size_t count(RowKind kind) const { return counts[static_cast<size_t>(kind)]; }
};

// Reads every row once. With `maker`, whose context must be 0, lengths are tokens and rows of more than `context` (0:
// any number) too long; else characters. A row takes some 15 bytes meanwhile. Throws what `maker` does beyond bad rows.
DataStatistics examine(const RowSource& source, const ExampleMaker* maker, size_t context, const BadRowSink& on_bad);

}  // namespace patina::train
