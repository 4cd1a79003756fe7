#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/attachment.h"
#include "adapter/lora_adapter.h"
#include "model/model.h"
#include "ops/context.h"
#include "quant/dtype.h"
#include "train/checkpoint.h"
#include "train/data/batch.h"
#include "train/data/data_set.h"
#include "train/defaults.h"
#include "train/parameters.h"
#include "train/schedule.h"
#include "train/step_log.h"

namespace patina::train {

// The files of a run, side by side.
struct RunFiles {
  std::filesystem::path adapter;

  std::filesystem::path checkpoint() const { return std::filesystem::path(adapter) += ".checkpoint"; }
  std::filesystem::path log() const { return std::filesystem::path(adapter) += ".log.jsonl"; }
};

struct TrainOptions {
  uint64_t epochs = 0;        // 0: default_epochs()
  uint64_t batch_size = 8;    // batch_size * accumulation examples make one optimizer step; how many of them go through
  uint64_t accumulation = 1;  // the model at once is the trainer's choice and does not change the result's meaning
  std::optional<double> learning_rate;  // default_learning_rate()
  std::optional<uint64_t> warmup;       // steps; default_warmup()
  double weight_decay = 0;
  double max_gradient_norm = 1;
  float dropout = 0;        // of the adapters' inputs, 0 to below 1
  uint64_t seed = 1;        // of the examples' order and of dropout
  bool shuffle = true;      // each epoch has an order of its own, else that of the data
  uint64_t max_steps = 0;   // the run ends after so many; 0: no limit
  uint64_t save_every = 0;  // epochs between saves; besides, every ten minutes, at the end and when stopped
  quant::DType adapter_type = quant::DType::kF16;
  bool resume = false;  // go on from the checkpoint
};

// What a run is going to be.
struct Plan {
  Amount amount;
  uint64_t epochs;
  uint64_t steps;       // of the whole run
  uint64_t steps_done;  // by the run that is resumed
  uint64_t epoch_tokens;
  uint64_t epoch_loss_tokens;
  double learning_rate;
  uint64_t warmup;
  uint64_t parameters;
  uint64_t memory_bytes;  // weights included
  bool recompute_blocks;  // for lack of memory, at the cost of a second forward pass
  double seconds;         // of the steps that are left, about
  std::string hint;       // learning_hint(), may be empty
};

// One row's loss without the adapter and with the trained one.
struct RowLoss {
  std::string place;
  double before;
  double after;
};

struct TrainResult {
  bool finished;              // else it was stopped, and resume goes on
  uint64_t steps;             // done altogether
  std::vector<RowLoss> rows;  // the first few; only of a finished run
};

// Asked and told on the thread that runs; all may be empty.
struct TrainObserver {
  std::function<void(const StepRecord& record, double seconds_left)> on_step;
  std::function<void()> on_save;
  std::function<bool()> stop;  // true: save and return, soon
};

// A new adapter for this model, with all that it tells of its base, and the template that it is trained with (by its
// name; empty: none). Throws as adapter::create_lora() does.
adapter::LoraAdapter new_adapter(const model::Model& model, const adapter::LoraOptions& options,
                                 std::string_view prompt_template);

// Trains an adapter for a model on examples: AdamW on the mean loss of each step's tokens, over several epochs, each in
// its own seeded order. The same inputs give the same adapter, bit for bit, whatever the number of threads and wherever
// the run was stopped and resumed. Not thread safe. Everything referred to must outlive it.
class Trainer {
 public:
  // `adapter` is a new_adapter(), also where a run is resumed, whose state is then read; it is changed in place. Throws
  // kInvalidArgument for options out of range or no examples, kOutOfMemory where a step cannot fit, kIo where the files
  // cannot be written or have no room, and with `resume` kNotFound, kInvalidData or kIncompatible for the checkpoint.
  Trainer(const model::Model& model, ops::Context& context, const adapter::LoraAdapter& adapter, const DataSet& data,
          const TrainOptions& options, RunFiles files);

  // Measures the loss of the first rows without the adapter, and from the time that took estimates the whole.
  Plan plan();

  // Runs to the end or until stopped, and saves the adapter and a checkpoint, each atomically. Throws kIo where saving
  // or logging fails (what was saved before is as it was) and kInvalidData when the loss stops being a number.
  TrainResult run(const TrainObserver& observer);

  // The adapter as it stands, to measure with.
  const adapter::Attachment& adapters() const { return attachment_; }

 private:
  uint64_t steps_per_epoch() const { return amount_.steps_per_epoch(); }
  void check_options() const;
  void choose_memory();
  void check_files() const;
  void load_checkpoint();
  Checkpoint checkpoint();
  std::vector<Setting> settings() const;
  std::span<const uint32_t> rows_of_step(uint64_t step);
  void set_dropout(uint64_t step, uint64_t pass);
  std::optional<StepRecord> run_step(const TrainObserver& observer);
  void save(const TrainObserver& observer);
  std::vector<double> losses_of_first_rows(const adapter::Attachment& adapters);

  const model::Model& model_;
  ops::Context& context_;
  adapter::LoraAdapter adapter_;
  adapter::Attachment attachment_;
  const DataSet& data_;
  TrainOptions options_;
  RunFiles files_;
  Amount amount_;
  uint64_t epochs_;
  uint64_t steps_;
  Schedule schedule_;
  Parameters parameters_;
  bool recompute_blocks_ = false;
  uint64_t step_ = 0;            // done
  std::vector<uint32_t> order_;  // of the epoch order_epoch_
  std::optional<uint64_t> order_epoch_;
  std::vector<double> losses_before_;
};

}  // namespace patina::train
