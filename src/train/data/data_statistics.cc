#include "train/data/data_statistics.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <string_view>

#include "base/digest.h"

namespace patina::train {
namespace {

constexpr size_t kDuplicatesShown = 5;

uint64_t characters(std::string_view text) {
  return static_cast<uint64_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

uint64_t digest_of(const Row& row) {
  Digest digest;
  for (const tokenizer::ChatMessage& turn : row.turns) {
    digest.add_text(turn.role);
    digest.add_text(turn.content);
  }
  if (row.rejected) digest.add_text(*row.rejected);
  return digest.value();
}

struct Lengths {
  uint64_t all = 0;
  uint64_t loss = 0;
};

Lengths lengths_of(const Row& row, const ExampleMaker* maker) {
  Lengths lengths;
  if (maker != nullptr) {
    const Example example = maker->make(row);
    lengths = {.all = example.tokens.size(), .loss = example.loss_tokens()};
    if (example.rejected) lengths.all = std::max<uint64_t>(lengths.all, example.rejected->tokens.size());
    return lengths;
  }
  for (const tokenizer::ChatMessage& turn : row.turns) {
    const uint64_t length = characters(turn.content);
    lengths.all += length;
    if (turn.role == "assistant") lengths.loss += length;
  }
  return lengths;
}

// Finds rows of equal digests; `digests` has one for each of statistics.rows.
void find_duplicates(const std::vector<uint64_t>& digests, DataStatistics& statistics) {
  std::vector<uint32_t> order(digests.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) { return std::pair(digests[a], a) < std::pair(digests[b], b); });
  std::vector<std::pair<uint32_t, uint32_t>> pairs;  // a row and the first that says the same
  uint32_t first = 0;
  for (size_t i = 1; i < order.size(); ++i) {
    if (digests[order[i]] != digests[order[i - 1]]) continue;
    const bool begins = i == 1 || digests[order[i - 2]] != digests[order[i - 1]];
    if (begins) first = order[i - 1];
    ++statistics.duplicates;
    pairs.emplace_back(order[i], first);  // a heap of those that come first in the data
    std::ranges::push_heap(pairs);
    if (pairs.size() <= kDuplicatesShown) continue;
    std::ranges::pop_heap(pairs);
    pairs.pop_back();
  }
  std::ranges::sort(pairs);
  for (const auto& [again, before] : pairs) {
    statistics.some_duplicates.emplace_back(statistics.rows[before], statistics.rows[again]);
  }
}

}  // namespace

void LengthHistogram::add(uint64_t length) { ++counts_[length < 2 ? 0 : std::bit_width(length) - 1]; }

std::vector<LengthHistogram::Class> LengthHistogram::classes() const {
  std::vector<Class> classes;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0 && classes.empty()) continue;
    const uint64_t least = i == 0 ? 0 : uint64_t{1} << i;
    classes.push_back({.least = least, .most = (uint64_t{1} << i) - 1 + (uint64_t{1} << i), .count = counts_[i]});
  }
  while (!classes.empty() && classes.back().count == 0) classes.pop_back();
  return classes;
}

DataStatistics examine(const RowSource& source, const ExampleMaker* maker, size_t context, const BadRowSink& on_bad) {
  DataStatistics statistics;
  std::vector<uint64_t> digests;
  source.visit(
      [&](RowId id, const Row& row) {
        const Lengths lengths = lengths_of(row, maker);
        ++statistics.counts[static_cast<size_t>(row.kind)];
        statistics.length += lengths.all;
        statistics.loss_length += lengths.loss;
        statistics.longest = std::max(statistics.longest, lengths.all);
        statistics.histogram.add(lengths.all);
        if (context > 0 && lengths.all > context) ++statistics.too_long;
        statistics.rows.add(id);
        digests.push_back(digest_of(row));
      },
      [&](const std::string& sentence) {
        ++statistics.bad;
        if (on_bad) on_bad(sentence);
      });
  find_duplicates(digests, statistics);
  return statistics;
}

}  // namespace patina::train
