#include "train/data/data_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

namespace patina::train {

void DataTally::add(const Example& example) {
  totals_.tokens += example.tokens.size();
  totals_.loss_tokens += example.loss_tokens();
  totals_.longest = std::max(totals_.longest, example.tokens.size());
  digest_.add_number(example.tokens.size());
  for (const TokenRange& range : example.loss) {
    digest_.add_number(range.begin);
    digest_.add_number(range.end);
  }
  digest_.add(std::as_bytes(std::span(example.tokens)));
}

DataTotals DataTally::totals() const {
  DataTotals totals = totals_;
  totals.digest = digest_.value();
  return totals;
}

ExampleList::ExampleList(std::vector<Example> examples) : examples_(std::move(examples)) {
  DataTally tally;
  for (const Example& example : examples_) tally.add(example);
  totals_ = tally.totals();
}

std::string ExampleList::place(size_t index) const { return fmt::format("example {}", index + 1); }

}  // namespace patina::train
