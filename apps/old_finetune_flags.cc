#include "apps/old_finetune_flags.h"

#include <array>

namespace patina::apps {

namespace {

constexpr auto kNone = FlagValue::kNone;
constexpr auto kOne = FlagValue::kOne;

constexpr auto kRenamed = std::to_array<RenamedFlag>({
    {"model-base", "model"},
    {"lora-r", "lora-rank"},
    {"rank-wq", "lora-rank-pattern", "attn_q="},
    {"rank-wk", "lora-rank-pattern", "attn_k="},
    {"rank-wv", "lora-rank-pattern", "attn_v="},
    {"rank-wo", "lora-rank-pattern", "attn_output="},
    {"rank-ffn-gate", "lora-rank-pattern", "ffn_gate="},
    {"rank-ffn-down", "lora-rank-pattern", "ffn_down="},
    {"rank-ffn-up", "lora-rank-pattern", "ffn_up="},
    {"adam-iter", "max-steps"},
    {"adam-alpha", "learning-rate"},
    {"adam-min-alpha", "min-lr"},
    {"adam-decay", "weight-decay"},
    {"adam-beta1", "beta1"},
    {"adam-beta2", "beta2"},
    {"adam-gclip", "max-grad-norm"},
    {"grad-acc", "grad-accum"},
    {"batch", "batch-size"},
    {"ctx", "ctx-size"},
    {"enable-restart", "lr-schedule", "cosine-restarts", true},
    // finetune-lora
    {"lora-modules", "lora-targets"},
    {"lora-seed", "seed"},
    {"output-adapter", "save-path"},
    {"num-epochs", "epochs"},
    {"lr-scheduler", "lr-schedule"},
    {"lr-min", "min-lr"},
    {"warmup-steps", "warmup"},
    {"checkpoint-save-steps", "save-steps"},
    {"auto-resume", "resume", "auto", true},
    // llama-finetune
    {"wd", "weight-decay"},
    {"opt", "optimizer"},
});

constexpr std::string_view kBeside = "checkpoints are kept beside the adapter, and --resume goes on from them";
constexpr std::string_view kByName = "--lora-targets names it beside others, --lora-rank-pattern gives it a rank";
constexpr std::string_view kNorms = "norms are not trained";
constexpr std::string_view kInFile = "the model's file says it";
constexpr std::string_view kData = "every row or line is an example; --text book cuts running text into pieces";
constexpr std::string_view kChosen = "chosen by the memory there is";
constexpr std::string_view kPatience = "--patience ends a run that gets no better on --val-data";
constexpr std::string_view kCosine = "the cosine ends with the run; see --min-lr, --lr-schedule and --lr-cycles";

constexpr auto kIgnored = std::to_array<IgnoredFlag>({
    {"checkpoint-in", kOne, kBeside},
    {"checkpoint-out", kOne, kBeside},
    {"checkpoint-save-dir", kOne, kBeside},
    {"resume-from", kOne, kBeside},
    {"pattern-fn-it", kOne, kBeside},
    {"fn-latest", kOne, kBeside},
    {"only-write-lora", kNone, kBeside},
    {"rank-tok-embd", kOne, kByName},
    {"rank-out", kOne, kByName},
    {"rank-att-norm", kOne, kNorms},
    {"rank-ffn-norm", kOne, kNorms},
    {"rank-out-norm", kOne, kNorms},
    {"norm-rms-eps", kOne, kInFile},
    {"rope-freq-base", kOne, kInFile},
    {"rope-freq-scale", kOne, kInFile},
    {"use-checkpointing", kNone, kChosen},
    {"no-checkpointing", kNone, kChosen},
    {"use-flash", kNone, {}},
    {"no-flash", kNone, {}},
    {"sample-start", kOne, kData},
    {"include-sample-start", kNone, kData},
    {"escape", kNone, kData},
    {"overlapping-samples", kNone, kData},
    {"fill-with-next-samples", kNone, kData},
    {"separate-with-eos", kNone, kData},
    {"no-separate-with-eos", kNone, kData},
    {"separate-with-bos", kNone, kData},
    {"no-separate-with-bos", kNone, kData},
    {"sample-random-offsets", kNone, kData},
    {"force-reshuffle", kNone, kData},
    {"cos-decay-steps", kOne, kCosine},
    {"cos-decay-restart", kOne, kCosine},
    {"cos-decay-min", kOne, kCosine},
    {"decay-epochs", kOne, kCosine},
    {"disable-restart", kNone, {}},
    {"adam-decay-min-ndim", kOne, {}},
    {"adam-epsf", kOne, kPatience},
    {"opt-past", kOne, kPatience},
    {"opt-delta", kOne, kPatience},
    {"opt-max-no-improvement", kOne, kPatience},
    {"assistant-loss-only", kNone, {}},
});

}  // namespace

std::span<const RenamedFlag> old_finetune_flags() { return kRenamed; }

std::span<const IgnoredFlag> old_finetune_flags_without_meaning() { return kIgnored; }

}  // namespace patina::apps
