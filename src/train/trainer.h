#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapter/attachment.h"
#include "adapter/lora_adapter.h"
#include "model/model.h"
#include "ops/context.h"
#include "train/checkpoint.h"
#include "train/data/data_set.h"
#include "train/data/shares.h"
#include "train/gradient_sum.h"
#include "train/loss.h"
#include "train/magnitude_terms.h"
#include "train/parameters.h"
#include "train/run.h"
#include "train/schedule.h"
#include "train/step_log.h"
#include "train/teamwork.h"

namespace patina::train {

// A new adapter for this model, with all that it tells of its base, and the template that it is trained with (by its
// name; empty: none). Throws as adapter::create_lora() does.
adapter::LoraAdapter new_adapter(const model::Model& model, const adapter::LoraOptions& options,
                                 std::string_view prompt_template);

// Trains an adapter for a model on examples: steps of an optimizer on the mean loss of each step's tokens, over several
// epochs, each in its own seeded order. The same inputs give the same adapter, bit for bit, whatever the number of
// threads and wherever the run was stopped and resumed. Not thread safe. Everything referred to must outlive it.
//
// Several processes can train as a team (docs/many-machines.md): each has a trainer of the same model, data and
// options, and takes its share of the rows of every step; their gradients are summed, and all make the same step. The
// first one writes; the others are given no place for an adapter, and neither write nor resume: they take over where
// the first one stands. Of the observer's functions they are given `stop` only.
class Trainer {
 public:
  // `adapter` is a new_adapter() or one that is to be trained further, also where a run is resumed, whose state is then
  // read; it is changed in place. With `subtracted`, a clone() of it, the model acts without what the adapter was, and
  // the difference is what is saved. Throws kIncompatible for an adapter that does not fit the model,
  // kInvalidArgument for options out of range or no examples, kOutOfMemory where a step cannot fit, kIo where the files
  // cannot be written or have no room, and with `resume` kNotFound, kInvalidData or kIncompatible for the checkpoint.
  Trainer(const model::Model& model, ops::Context& context, const adapter::LoraAdapter& adapter, const DataSet& data,
          const TrainOptions& options, RunFiles files, std::optional<adapter::LoraAdapter> subtracted = std::nullopt);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // The team to train with, which must outlive this. Before plan(), and in every process of it.
  void join(Team& team);

  // The rows that evaluations measure, which should not be among those trained on. Before run(); `data` must outlive
  // this.
  void validate_on(const DataSet& data) { validation_ = &data; }

  // Measures the loss of the first rows without the adapter, and from the time that took estimates the whole.
  Plan plan();

  // Runs to the end or until stopped, and saves the adapter and a checkpoint, each atomically. Throws kIo where saving
  // or logging fails (what was saved before is as it was), kInvalidData when the loss stops being a number, and what
  // reading a row throws, after saving. In a team, a process that is gone stops the run; throws kIncompatible where
  // processes have not the same data, settings or weights.
  TrainResult run(const TrainObserver& observer);

  // The loss of all rows with the adapter as it would be saved now. In a team all measure, each its share.
  LossSum measure(const DataSet& data);

 private:
  class Averaged;  // as Parameters::Averaged

  LossSetting loss_setting() { return {model_, context_, attachment_, options_.loss, gradient_sum_.get()}; }
  bool writes() const { return !files_.adapter.empty(); }
  Place place() const;
  uint64_t steps_per_epoch() const { return amount_.steps_per_epoch(); }
  uint64_t bytes_of_a_pass() const;  // the longest one, with or without running blocks again
  void choose_memory();
  void check_files() const;
  void check_space() const;
  void load_checkpoint();
  Checkpoint checkpoint();
  std::vector<Setting> settings() const;
  std::span<const uint32_t> rows_of_step(uint64_t step);
  void set_random(uint64_t step, uint64_t pass);
  void agree_on_the_run();
  bool learn_unless_stopped(const TrainObserver& observer);
  void learn(const TrainObserver& observer);
  LossSum sum_of_team(const LossSum& own);
  StepRecord run_step();
  void require_same_weights();
  void save(const TrainObserver& observer);
  void save_after_error(const TrainObserver& observer);
  bool save_is_due() const;
  void save_adapter(const std::filesystem::path& path);
  bool evaluation_is_due() const;
  EvaluationRecord evaluate(const TrainObserver& observer);
  bool out_of_patience() const;
  bool out_of_time() const;
  TrainResult result(bool stopped);
  std::vector<double> losses_of_first_rows(const adapter::Attachment& adapters);

  const model::Model& model_;
  ops::Context& context_;
  adapter::LoraAdapter adapter_;
  std::optional<adapter::LoraAdapter> subtracted_;
  adapter::Attachment attachment_;
  const DataSet& data_;
  TrainOptions options_;
  RunFiles files_;
  Amount amount_;
  uint64_t epochs_;
  uint64_t steps_;
  Schedule schedule_;
  Parameters parameters_;
  MagnitudeTerms magnitudes_;
  Teamwork work_{Team::alone()};
  std::unique_ptr<GradientSum> gradient_sum_;
  bool recompute_blocks_ = false;
  uint64_t step_ = 0;  // done
  std::optional<uint64_t> resumed_step_;
  std::vector<std::string> notes_;  // of the checkpoint
  bool newest_is_damaged_ = false;  // checkpoint, so that an older one is gone on from
  bool worth_saving_ = true;        // not while weights change or are compared, nor where saving failed
  const DataSet* validation_ = nullptr;
  std::optional<StepLog> log_;
  BestSoFar best_;
  double losses_since_evaluation_ = 0;
  uint64_t steps_since_evaluation_ = 0;
  uint64_t steps_made_ = 0;                      // by this run()
  std::chrono::steady_clock::time_point start_;  // of run()
  std::chrono::steady_clock::time_point last_save_;
  std::vector<uint32_t> order_;  // of the epoch order_epoch_
  std::optional<uint64_t> order_epoch_;
  std::vector<double> losses_before_;
};

}  // namespace patina::train
