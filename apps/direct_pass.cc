#include "apps/direct_pass.h"

#include "model/model.h"

namespace patina::apps {

DirectPass::DirectPass(const engine::Runtime& runtime, int64_t context)
    : runtime_(runtime),
      context_(runtime.make_context(buffers_)),
      cache_(runtime.model().hyper(), context, runtime.cache_types()),
      sequence_(cache_) {}

tensor::Tensor DirectPass::hidden(std::span<const int32_t> tokens, std::span<const int32_t> rows) {
  sequence_.grow(static_cast<int64_t>(tokens.size()));
  const model::SequencePart part{.tokens = tokens, .cache = &sequence_};
  return runtime_.model().hidden(context_, {&part, 1}, rows, runtime_.attachment());
}

tensor::Tensor DirectPass::logits(const tensor::Tensor& hidden_rows) {
  return runtime_.model().logits(context_, hidden_rows);
}

}  // namespace patina::apps
