#include "apps/direct_pass.h"

#include <numeric>

#include "model/model.h"
#include "sampling/sampler.h"

namespace patina::apps {

DirectPass::DirectPass(const engine::Runtime& runtime, int64_t context, int64_t sequences)
    : runtime_(runtime),
      context_(runtime.make_context(buffers_)),
      cache_(runtime.model().hyper(), model::whole_kv_blocks(context) * sequences, runtime.cache_types()) {
  for (int64_t i = 0; i < sequences; ++i) sequences_.emplace_back(cache_);
}

tensor::Tensor DirectPass::hidden(std::span<const int32_t> tokens, std::span<const int32_t> rows, int64_t sequence) {
  model::KvSequence& cached = sequences_[static_cast<size_t>(sequence)];
  cached.grow(static_cast<int64_t>(tokens.size()));
  const model::SequencePart part{.tokens = tokens, .cache = &cached};
  return runtime_.model().hidden(context_, {&part, 1}, rows, runtime_.attachment());
}

tensor::Tensor DirectPass::hidden_of_all(std::span<const int32_t> tokens) {
  std::vector<model::SequencePart> parts;
  for (size_t i = 0; i < sequences_.size(); ++i) {
    sequences_[i].grow(1);
    parts.push_back({.tokens = tokens.subspan(i, 1), .cache = &sequences_[i]});
  }
  std::vector<int32_t> rows(sequences_.size());
  std::iota(rows.begin(), rows.end(), 0);
  return runtime_.model().hidden(context_, parts, rows, runtime_.attachment());
}

tensor::Tensor DirectPass::logits(const tensor::Tensor& hidden_rows) {
  return runtime_.model().logits(context_, hidden_rows, runtime_.attachment());
}

tensor::Tensor DirectPass::decisive_logits(const tensor::Tensor& hidden_rows) {
  const std::vector<int64_t> counts(static_cast<size_t>(hidden_rows.rows()), sampling::SamplingParams{}.top_k);
  return runtime_.logits(context_, hidden_rows, counts, runtime_.attachment());
}

void DirectPass::rewind(int64_t length) {
  for (model::KvSequence& sequence : sequences_) sequence.truncate(length);
}

}  // namespace patina::apps
