#include "train/data/data_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

namespace patina::train {

void DataTally::add(const Example& example) {
  add_sequence(example);
  size_t length = example.tokens.size();
  if (example.rejected) {
    add_sequence(*example.rejected);
    length += example.rejected->tokens.size() - shared_beginning(*example.rejected, example.tokens);
  }
  totals_.longest = std::max(totals_.longest, length);
}

void DataTally::add_sequence(const Example& example) {
  totals_.tokens += example.tokens.size();
  totals_.loss_tokens += example.loss_tokens();
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
