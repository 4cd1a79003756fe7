#include "apps/training_step.h"

#include "train/loss.h"
#include "train/trainer.h"

namespace patina::apps {

namespace {

constexpr double kLearningRate = 1e-4;
constexpr double kMaxNorm = 1.0;

adapter::Attachment attach(const model::Model& model, const adapter::LoraAdapter& adapter) {
  adapter::Attachment attachment(model.sites().size());
  adapter::attach_lora(adapter, "the new adapter", 1.0F, {model.sites(), model.hyper().architecture}, attachment, {});
  return attachment;
}

std::vector<train::Batch> one_example(std::span<const int32_t> tokens) {
  train::Batch batch;
  batch.add({.tokens = {tokens.begin(), tokens.end()}, .loss = {{1, tokens.size()}}});
  return {batch};
}

}  // namespace

TrainingStep::TrainingStep(const engine::Runtime& runtime, std::span<const int32_t> tokens)
    : runtime_(runtime),
      context_(runtime.make_context(buffers_)),
      adapter_(train::new_adapter(runtime.model(), {}, "")),
      attachment_(attach(runtime.model(), adapter_)),
      parameters_(adapter_, buffers_, {}),
      batches_(one_example(tokens)) {}

void TrainingStep::run() {
  parameters_.zero_gradients();
  for (const train::Batch& batch : batches_) {
    train::add_gradients({runtime_.model(), context_, attachment_}, batch, train::StepSize::of({&batch, 1}), false,
                         parameters_);
  }
  parameters_.step(kLearningRate, kMaxNorm);
}

}  // namespace patina::apps
