#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "platform/atomic_file.h"
#include "train/checkpoint_files.h"
#include "train/memory_need.h"
#include "train/room.h"
#include "train/trainer.h"

// What a trainer knows of its files: whether they can be written, and what goes into checkpoints and comes out of them.
namespace patina::train {

void Trainer::check_files() const {
  // A temporary file beside each is made and removed: what cannot be saved later is known now.
  const platform::AtomicFile adapter(files_.adapter);
  const platform::AtomicFile checkpoint(files_.checkpoint());
}

void Trainer::check_space() const {
  const auto parameters = static_cast<uint64_t>(adapter_.parameters());
  const uint64_t of_adapter = parameters * (options_.adapter_type == quant::DType::kF16 ? 2 : 4);
  const uint64_t of_checkpoint = checkpoint_bytes(parameters, options_.parameters);
  // The best ones where rows are measured, and of each kind one more while it is written.
  const uint64_t best = validation_ != nullptr ? 1 : 0;
  const uint64_t needed = (options_.keep + best + 1) * of_checkpoint + (best + 2) * of_adapter;
  const uint64_t there = CheckpointFiles(files_.checkpoint(), options_.keep).bytes();
  require_disk_space(files_.adapter, needed - std::min(needed, there));
}

void Trainer::load_checkpoint() {
  CheckpointFiles::Found found = CheckpointFiles(files_.checkpoint(), options_.keep).open_newest();
  const Checkpoint& saved = found.file.contents;
  const std::string source = found.path.string();
  require_same_run(saved, checkpoint(), source);
  if (saved.step > steps_ || saved.epoch != saved.step / steps_per_epoch() ||
      saved.epoch_step != saved.step % steps_per_epoch()) {
    fail(ErrorKind::kInvalidData, "{} stands at a step that does not exist; resume from another one", source);
  }
  newest_is_damaged_ = !found.notes.empty();
  for (const std::string& note : found.notes) notes_.push_back(fmt::format("{}: going on from {}", note, source));
  parameters_.restore(saved);
  magnitudes_.update(context_);
  step_ = saved.step;
  best_ = saved.best;
  resumed_step_ = saved.step;
}

std::vector<Setting> Trainer::settings() const {
  std::vector<Setting> settings = settings_of(options_, schedule_);
  settings.push_back({"epochs", std::to_string(epochs_)});
  settings.push_back({"lora-rank", std::to_string(adapter_.entries.front().rank())});
  settings.push_back({"lora-alpha", fmt::format("{}", adapter_.alpha)});
  settings.push_back({"dora", magnitudes_.empty() ? "off" : "on"});
  settings.push_back({"precise", context_.precise ? "on" : "off"});
  return settings;
}

Checkpoint Trainer::checkpoint() {
  Checkpoint checkpoint;
  checkpoint.step = step_;
  checkpoint.epoch = step_ / steps_per_epoch();
  checkpoint.epoch_step = step_ % steps_per_epoch();
  checkpoint.best = best_;
  checkpoint.base_fingerprint = model_.fingerprint();
  checkpoint.data_digest = data_.totals().digest;
  checkpoint.settings = settings();
  checkpoint.parameters = parameters_.state();
  return checkpoint;
}

}  // namespace patina::train
