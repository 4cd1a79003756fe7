#include "engine/forward.h"

#include <algorithm>
#include <iterator>

namespace patina::engine {

namespace {

// Positions made for a forward pass that are given up again unless it succeeds.
class Growth {
 public:
  explicit Growth(std::span<const Reading> readings) : readings_(readings) {
    for (const Reading& reading : readings_) lengths_.push_back(reading.sequence->cache().length());
  }
  Growth(const Growth&) = delete;
  Growth& operator=(const Growth&) = delete;
  ~Growth() {
    if (kept_) return;
    for (size_t i = 0; i < readings_.size(); ++i) readings_[i].sequence->cache().truncate(lengths_[i]);
  }
  void keep() { kept_ = true; }

 private:
  std::span<const Reading> readings_;
  std::vector<int64_t> lengths_;
  bool kept_ = false;
};

}  // namespace

std::optional<std::span<const float>> ForwardResult::logits(size_t i) const {
  const auto [first, count] = rows_[i];
  if (count == 0) return std::nullopt;
  return logits_.rows_view(first, count).values();
}

ForwardResult forward(const Runtime& runtime, const adapter::Attachment& adapters, ops::Context& context,
                      std::span<const Reading> readings) {
  std::vector<model::SequencePart> parts;
  std::vector<int32_t> wanted;
  std::vector<int64_t> decisive;
  std::vector<ForwardResult::Rows> rows;
  int64_t end = 0;
  Growth growth(readings);
  for (const Reading& reading : readings) {
    const std::span<const TokenId> pending = reading.sequence->pending();
    parts.push_back({pending.first(static_cast<size_t>(reading.tokens)), &reading.sequence->cache()});
    end += reading.tokens;
    const bool last = reading.tokens == static_cast<int64_t>(pending.size());
    const int64_t count = last ? reading.sequence->wanted_rows() : 0;
    if (last) std::ranges::copy(reading.sequence->decisive_logits(), std::back_inserter(decisive));
    rows.push_back({static_cast<int64_t>(wanted.size()), count});
    for (int64_t row = end - count; row < end; ++row) wanted.push_back(static_cast<int32_t>(row));
    reading.sequence->cache().grow(reading.tokens);
  }
  ops::Tensor logits;
  const ops::Tensor hidden = runtime.model().hidden(context, parts, wanted, adapters);
  if (!wanted.empty()) logits = runtime.logits(context, hidden, decisive, adapters);
  growth.keep();
  return {std::move(logits), std::move(rows)};
}

}  // namespace patina::engine
