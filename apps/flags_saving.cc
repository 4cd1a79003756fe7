#include "apps/flags_saving.h"

#include "train/checkpoint_files.h"

namespace patina::apps {

void add_evaluation_flags(FlagGroup& group, train::TrainOptions& options) {
  group.add("--eval-every", options.eval_every, "N", "steps between measurements (default: at the ends of epochs)")
      .hide_default();
  group.add("--patience", options.patience, "N", "end the run after so many measurements without a better one; 0: not");
}

void add_saving_flags(FlagGroup& group, SavingFlags& flags, train::TrainOptions& options) {
  group.add("--save-every", options.save_every, "N",
            "epochs between saves; besides, by the time, at the end and on Ctrl-C");
  group.add("--save-steps", options.save_steps, "N", "steps between saves");
  group.add("--save-minutes", flags.minutes, "X", "minutes between saves (default 10)");
  group.add("--keep", options.keep, "N", "checkpoints to keep");
  group.add_optional(
      "--resume", flags.resume, "auto",
      "go on from the last save, to the same adapter as without a break;\nauto: begin where there is none", {"auto"});
}

void SavingFlags::resolve(const train::RunFiles& files, train::TrainOptions& options) const {
  constexpr double kSecondsInMinute = 60;
  if (minutes) options.save_seconds = *minutes * kSecondsInMinute;
  const train::CheckpointFiles checkpoints(files.checkpoint(), options.keep);
  options.resume = resume == "on" || (resume == "auto" && checkpoints.any());
}

}  // namespace patina::apps
