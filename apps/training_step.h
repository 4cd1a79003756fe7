#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "adapter/attachment.h"
#include "adapter/lora_adapter.h"
#include "engine/runtime.h"
#include "tensor/tensor.h"
#include "train/data/batch.h"
#include "train/parameters.h"

namespace patina::apps {

// One optimizer step on one example, over and over: for measuring. A new adapter of the default form is trained, all of
// whose tokens carry loss. The runtime must outlive it.
class TrainingStep {
 public:
  // `tokens`: those that go through the model, and one more that only the last of them predicts.
  TrainingStep(const engine::Runtime& runtime, std::span<const int32_t> tokens);

  void run();

 private:
  const engine::Runtime& runtime_;
  tensor::BufferPool buffers_;
  ops::Context context_;
  adapter::LoraAdapter adapter_;
  adapter::Attachment attachment_;
  train::Parameters parameters_;
  std::vector<train::Batch> batches_;
};

}  // namespace patina::apps
