#include "engine/generator.h"

#include <algorithm>

#include "engine/drafter.h"
#include "engine/forward.h"
#include "engine/sequence.h"

namespace patina::engine {

struct Generator::State {
  State(const Runtime& owner, const adapter::Attachment& attachment)
      : runtime(owner),
        adapters(attachment),
        context(owner.make_context(buffers)),
        cache(owner.model().hyper(), owner.context_length(), owner.cache_types()),
        sequence(owner.tokenizer(), cache, owner.context_length()),
        drafter(make_drafter(owner)) {}

  const Runtime& runtime;
  const adapter::Attachment& adapters;
  tensor::BufferPool buffers;
  ops::Context context;
  model::KvCache cache;
  Sequence sequence;
  std::unique_ptr<Drafter> drafter;  // null: no speculation
};

Generator::Generator(const Runtime& runtime, const adapter::Attachment& adapters)
    : state_(std::make_unique<State>(runtime, adapters)) {}
Generator::~Generator() = default;

Generation Generator::generate(std::span<const TokenId> prompt, const GenerationParams& params, const OnText& on_text,
                               const Cancelled& cancelled) {
  Sequence& sequence = state_->sequence;
  sequence.begin(prompt, params, on_text);
  while (!sequence.done()) {
    if (cancelled && cancelled()) {
      sequence.finish(StopReason::kCancelled);
      break;
    }
    if (state_->drafter) sequence.propose(*state_->drafter, state_->runtime.speculation().most);
    const Reading reading{&sequence, std::min(static_cast<int64_t>(sequence.pending().size()), kPromptChunk)};
    const ForwardResult result = forward(state_->runtime, state_->adapters, state_->context, {&reading, 1});
    if (const auto logits = result.logits(0)) sequence.take_logits(*logits);
  }
  return sequence.generation();
}

}  // namespace patina::engine
