#pragma once

#include <optional>
#include <string>

#include "adapter/lora_adapter.h"
#include "apps/command_line.h"
#include "train/run.h"

namespace patina::apps {

// How an adapter is made and trained.
struct TrainingFlags {
  train::TrainOptions options;
  adapter::LoraOptions lora;
  std::string optimizer = "adamw";
  std::string schedule = "cosine";
  std::optional<std::string> max_time;
  std::string lora_type = "f16";

  // Turns texts into what they mean. To be called once, after parsing; throws kInvalidArgument.
  void resolve();
};

void add_training_flags(CommandLine& line, TrainingFlags& flags);

}  // namespace patina::apps
