#include "apps/flags_training.h"

#include <algorithm>
#include <cmath>

#include "adapter/principal_init.h"
#include "base/error.h"
#include "train/duration.h"
#include "train/trainer.h"

namespace patina::apps {

namespace {

void add_course_flags(FlagGroup group, TrainingFlags& flags) {
  constexpr int64_t kMost = 1'000'000'000;
  train::TrainOptions& options = flags.options;
  group.add("--epochs", options.epochs, "N", "passes over the text (default chosen by the amount of it)")
      .hide_default()
      .between(1, kMost);
  group.add("-p,-b,--batch-size", options.batch_size, "N", "examples in one step").between(1, kMost);
  group.add("--grad-accum", options.accumulation, "N", "batches whose gradients make one step").between(1, kMost);
  group.add("--max-steps", options.max_steps, "N", "end the run after so many; 0: no limit");
  group.add("--max-time", flags.max_time, "TIME", "end the run after that, e.g. 90m, 2h or 1h30m");
  group.add(
      "--max-memory", flags.max_memory, "GIB",
      "stay within so much, the model included; every block is computed twice where that is needed (default: what "
      "is free)");
  group.add_switch("--shuffle,!--no-shuffle", options.shuffle,
                   "each pass has an order of its own (the default), or that of the text");
  group
      .add("--preference", flags.preference, "NAME",
           "how rows with \"chosen\" and \"rejected\" answers are learned: dpo (the default), orpo, or sft (the chosen "
           "ones alone)")
      .one_of({"dpo", "orpo", "sft"});
  group.add("--beta", options.loss.beta, "X",
            "of dpo: how closely the model is held to what it was; of orpo: its weight");
  group.add("-s,--seed", options.seed, "N", "of the adapter's first values, the order of the examples and dropout");
}

void add_optimizer_flags(FlagGroup group, TrainingFlags& flags) {
  train::ParameterOptions& options = flags.options.parameters;
  group.add("--optimizer", flags.optimizer, "NAME", "adamw, adamw8bit (moments in 8 bits), lion or sgd")
      .one_of({"adamw", "adamw8bit", "lion", "sgd"});
  group.add("--beta1", options.optimizer.beta1, "X", "share of the first moment that stays (default 0.9)");
  group.add("--beta2", options.optimizer.beta2, "X", "of the second (default 0.999; of lion 0.99)");
  group.add("--epsilon", options.optimizer.epsilon, "X", "of AdamW");
  group.add("--weight-decay", options.optimizer.weight_decay, "X", "share of the weights taken away, times the rate");
  group.add("--max-grad-norm", flags.options.max_gradient_norm, "X", "gradients are cut to that; 0: not");
  group.add("--ema", options.average_decay, "X",
            "save a moving average of the weights of which that share stays each step, e.g. 0.999; 0: none");
}

void add_schedule_flags(FlagGroup group, TrainingFlags& flags) {
  train::TrainOptions& options = flags.options;
  group.add("--learning-rate,--lr", options.learning_rate, "X",
            "the highest (default chosen by the model's size and the optimizer)");
  group.add("--lr-schedule", flags.schedule, "NAME", "after warm-up: constant, linear, cosine, cosine-restarts or wsd")
      .one_of({"constant", "linear", "cosine", "cosine-restarts", "wsd"});
  group.add("--min-lr", options.schedule.minimum, "X", "the rate at the end");
  group.add("--warmup", options.warmup, "N", "steps in which the rate rises (default 3 % of all)");
  group.add("--warmup-ratio", options.warmup_ratio, "X", "the same as a share of all steps");
  group.add("--lr-cycles", options.schedule.cycles, "N", "how often cosine-restarts begins");
  group.add("--lr-decay-share", options.schedule.decay_share, "X", "share of all steps in which wsd falls");
}

void add_lora_flags(FlagGroup group, TrainingFlags& flags) {
  group.add("--lora-rank", flags.lora.rank, "N", "rank of the correction of each layer");
  group.add("--lora-alpha", flags.lora.alpha, "X", "the corrections act times alpha / rank");
  group.add("--lora-targets", flags.lora.targets, "LIST",
            "layers that are corrected: all, attn, or names like attn_q,ffn_*; token_embd and output besides");
  group.add("--lora-layers", flags.lora.layers, "LIST", "only in these blocks, e.g. 8-15 or 0,2,8-");
  group.add("--lora-rank-pattern", flags.lora.rank_pattern, "LIST", "ranks of some layers, e.g. attn_*=16,ffn_*=4")
      .joined();
  group.add_switch("--rslora", flags.lora.rank_stabilized, "the corrections act times alpha / sqrt(rank)");
  group.add_switch("--dora", flags.magnitudes,
                   "train the lengths of the layers' rows apart from their directions (DoRA)");
  group
      .add("--lora-plus-ratio", flags.options.parameters.b_rate_factor, "X",
           "learning rate of the matrices B by that of A (LoRA+), e.g. 16")
      .hide_default();
  group
      .add("--lora-init", flags.init, "NAME",
           "begin with lora (no change), or with the part of the base that pissa or olora choose")
      .one_of({"lora", "pissa", "olora"});
  group.add("--init-adapter,--lora", flags.init_adapter, "FILE",
            "train this adapter further; its ranks, alpha and layers stay");
  group.add("--neftune", flags.options.noise, "X", "noise on the embeddings while training, e.g. 5; 0: none");
  group.add("--lora-dropout", flags.options.dropout, "X", "share of the corrections' inputs left out while training");
  group.add("--lora-type", flags.lora_type, "TYPE", "how the adapter is saved: f16 or f32").one_of({"f16", "f32"});
}

// Throws unless the adapter in the file fits the model.
adapter::LoraAdapter adapter_to_go_on_with(const std::filesystem::path& path, const engine::Runtime& runtime,
                                           const ops::Context& context, const LogSink& log) {
  const model::Model& model = runtime.model();
  adapter::LoraAdapter adapter = adapter::load_lora(path, model::base_model(model.hyper()));
  adapter::Attachment attachment(model.sites().size());
  const adapter::BaseWeights weights{model.file(), context.pool, context.kernels};
  adapter::attach_lora(adapter, path.string(), 1.0F,
                       {model.sites(), model.hyper().architecture, model.fingerprint(), &weights}, attachment, log);
  return adapter;
}

}  // namespace

StartingAdapter starting_adapter(const TrainingFlags& flags, const engine::Runtime& runtime,
                                 const ops::Context& context, std::string_view prompt_template, const LogSink& log) {
  const model::Model& model = runtime.model();
  StartingAdapter result = {train::new_adapter(model, flags.lora, prompt_template), {}};
  if (flags.init_adapter) {
    adapter::LoraAdapter given = adapter_to_go_on_with(*flags.init_adapter, runtime, context, log);
    result.adapter.alpha = given.alpha;
    result.adapter.entries = std::move(given.entries);
  }
  const auto is_embedding = [](const adapter::LoraEntry& entry) { return entry.site == adapter::kEmbeddingName; };
  if (model.tied() && std::ranges::any_of(result.adapter.entries, is_embedding)) {
    patina::log(
        log, LogLevel::kWarning,
        "this model's token embeddings are its output, too, and llama.cpp takes no adapter of such; patina merge "
        "makes a model of this one that it takes");
  }
  if (flags.magnitudes) adapter::add_magnitudes(result.adapter, {model.file(), context.pool, context.kernels});
  if (flags.init == "lora") return result;
  const auto init = flags.init == "pissa" ? adapter::PrincipalInit::kPissa : adapter::PrincipalInit::kOlora;
  patina::log(log, LogLevel::kInfo, "looking for the part of the model to begin with");
  adapter::init_from_base(result.adapter, model.file(), init, flags.options.seed, context);
  result.subtracted = adapter::clone(result.adapter);
  return result;
}

void TrainingFlags::choose_objective(const train::RowData& data, const train::RowData* held, const LogSink& log) {
  size_t rows = data.size();
  size_t pairs = data.preferences();
  if (held != nullptr) {
    rows += held->size();
    pairs += held->preferences();
  }
  const std::string name = preference.value_or(pairs > 0 ? "dpo" : "sft");
  options.loss.objective = train::objective_from_name(name).value_or(train::Objective::kLikelihood);
  if (name == "sft") return;
  if (pairs < rows) {
    fail(ErrorKind::kInvalidArgument,
         "{} of {} rows have a chosen and a rejected answer, and {} learns from both; give only such rows, or "
         "--preference sft to learn what was chosen",
         pairs, rows, name);
  }
  if (!preference) {
    patina::log(log, LogLevel::kInfo,
                "the rows are preferences, which are learned by dpo; --preference names another way");
  }
}

void TrainingFlags::resolve() {
  if (init_adapter && init != "lora") {
    fail(ErrorKind::kInvalidArgument, "--lora-init {} begins anew; leave --init-adapter out", init);
  }
  if (magnitudes && (init_adapter || init != "lora")) {
    fail(ErrorKind::kInvalidArgument, "--dora begins a new adapter without change; leave {} out",
         init_adapter ? "--init-adapter" : "--lora-init");
  }
  options.init = init;
  options.parameters.optimizer.kind = train::optimizer_from_name(optimizer).value_or(train::OptimizerKind::kAdamW);
  options.schedule.kind = train::schedule_from_name(schedule).value_or(train::ScheduleKind::kCosine);
  options.adapter_type = lora_type == "f32" ? quant::DType::kF32 : quant::DType::kF16;
  lora.seed = options.seed;
  if (max_memory) {
    constexpr double kMost = 1e6;
    if (*max_memory <= 0 || *max_memory >= kMost || std::isnan(*max_memory)) {
      fail(ErrorKind::kInvalidArgument, "--max-memory {} is no number of GiB; write 7 or 5.5", *max_memory);
    }
    options.max_memory = static_cast<uint64_t>(*max_memory * 0x1p30);
  }
  if (!max_time) return;
  const std::optional<double> seconds = train::parse_duration(*max_time);
  if (!seconds) fail(ErrorKind::kInvalidArgument, "--max-time {} is no time; write 90m, 2h or 1h30m", *max_time);
  options.max_seconds = *seconds;
}

void add_training_flags(CommandLine& line, TrainingFlags& flags) {
  add_course_flags(line.group("Training"), flags);
  add_optimizer_flags(line.group("The optimizer"), flags);
  add_schedule_flags(line.group("The learning rate"), flags);
  add_lora_flags(line.group("The adapter"), flags);
}

}  // namespace patina::apps
