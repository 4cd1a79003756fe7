#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "adapter/principal_init.h"
#include "train/trainer.h"

// A tiny model and a trainer of it, for tests.
namespace patina::train {

// Tiny, of random weights, with a vocabulary of numbers (scripts/golden/gradients.py).
inline const char* const kModel = PATINA_SOURCE_DIR "/tests/golden/gradients/llama.gguf";

inline std::vector<Example> some_examples() {
  return {{{1, 5, 9, 4, 2, 2}, {{3, 6}}}, {{1, 8, 3, 7, 6, 2}, {{2, 6}}}, {{1, 4, 4, 9, 2}, {{1, 5}}}};
}

// Everything that an adapter can change.
inline const char* const kAllMatrices = "all,token_embd,output";

// A model with all that a trainer of it needs.
class Workshop {
 public:
  // `targets`: what adapters change, as LoraOptions.
  explicit Workshop(int threads, std::string targets = "all")
      : pool_(threads), model_(model::Model::load(io::ModelFile::open(kModel), pool_)), targets_(std::move(targets)) {}

  Trainer trainer(const TrainOptions& options, const std::filesystem::path& adapter_path,
                  std::vector<Example> examples = some_examples()) {
    adapter::LoraOptions lora;
    lora.rank = 4;
    lora.alpha = 8;
    lora.seed = options.seed;
    lora.targets = targets_;
    lora_ = new_adapter(*model_, lora, "instruction");
    data_.push_back(std::make_unique<ExampleList>(std::move(examples)));
    return {*model_, context_, lora_, *data_.back(), options, {adapter_path}};
  }

  // One whose adapter has magnitudes.
  Trainer magnitude_trainer(const TrainOptions& options, const std::filesystem::path& adapter_path) {
    lora_ = new_adapter(*model_, {}, "instruction");
    adapter::add_magnitudes(lora_, {model_->file(), pool_, context_.kernels});
    data_.push_back(std::make_unique<ExampleList>(some_examples()));
    return {*model_, context_, lora_, *data_.back(), options, {adapter_path}};
  }

  // One that begins with a part of the model.
  Trainer principal_trainer(const TrainOptions& options, const std::filesystem::path& adapter_path) {
    lora_ = new_adapter(*model_, {.targets = targets_}, "instruction");
    data_.push_back(std::make_unique<ExampleList>(some_examples()));
    adapter::init_from_base(lora_, model_->file(), adapter::PrincipalInit::kPissa, options.seed, context_);
    return {*model_, context_, lora_, *data_.back(), options, {adapter_path}, adapter::clone(lora_)};
  }

  const model::Model& model() const { return *model_; }
  ops::Context& context() { return context_; }
  tensor::BufferPool& buffers() { return buffers_; }
  adapter::LoraAdapter& adapter() { return lora_; }  // of the last trainer

 private:
  ThreadPool pool_;
  tensor::BufferPool buffers_;
  ops::Context context_{.pool = pool_, .kernels = kernels::default_kernels(), .buffers = buffers_};
  std::unique_ptr<model::Model> model_;
  std::string targets_;
  adapter::LoraAdapter lora_;
  std::vector<std::unique_ptr<ExampleList>> data_;
};

}  // namespace patina::train
