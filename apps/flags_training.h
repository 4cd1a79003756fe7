#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "adapter/lora_adapter.h"
#include "apps/command_line.h"
#include "engine/runtime.h"
#include "train/data/row_data.h"
#include "train/run.h"

namespace patina::apps {

// How an adapter is made and trained.
struct TrainingFlags {
  train::TrainOptions options;
  adapter::LoraOptions lora;
  std::string optimizer = "adamw";
  std::string schedule = "cosine";
  std::optional<std::string> max_time;
  std::optional<double> max_memory;
  std::optional<std::string> preference;
  std::string lora_type = "f16";
  std::string init = "lora";
  bool magnitudes = false;
  std::optional<std::filesystem::path> init_adapter;

  // Sets what is learned, by the flag or as the rows are. Throws kInvalidArgument where they do not fit together.
  void choose_objective(const train::RowData& data, const train::RowData* held, const LogSink& log);

  // Turns texts into what they mean. To be called once, after parsing; throws kInvalidArgument.
  void resolve();
};

// What a run trains, and what of it the model already has (train::Trainer's `subtracted`).
struct StartingAdapter {
  adapter::LoraAdapter adapter;
  std::optional<adapter::LoraAdapter> subtracted;
};
// A new adapter, or the one that the flags name. Throws what reading and fitting it do.
StartingAdapter starting_adapter(const TrainingFlags& flags, const engine::Runtime& runtime,
                                 const ops::Context& context, std::string_view prompt_template, const LogSink& log);

void add_training_flags(CommandLine& line, TrainingFlags& flags);

}  // namespace patina::apps
