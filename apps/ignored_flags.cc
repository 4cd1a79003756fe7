#include "apps/ignored_flags.h"

#include <algorithm>
#include <array>

namespace patina::apps {

namespace {

constexpr auto kNone = FlagValue::kNone;
constexpr auto kOne = FlagValue::kOne;
constexpr auto kOptional = FlagValue::kOptional;

constexpr auto kLlamaFlags = std::to_array<IgnoredFlag>({
    {"ngl", kOne},
    {"gpu-layers", kOne},
    {"n-gpu-layers", kOne},
    {"sm", kOne},
    {"split-mode", kOne},
    {"ts", kOne},
    {"tensor-split", kOne},
    {"mg", kOne},
    {"main-gpu", kOne},
    {"dev", kOne},
    {"device", kOne},
    {"ot", kOne},
    {"override-tensor", kOne},
    {"cmoe", kNone},
    {"cpu-moe", kNone},
    {"ncmoe", kOne},
    {"n-cpu-moe", kOne},
    {"fa", kOptional},
    {"flash-attn", kOptional},
    {"mlock", kNone},
    {"mmap", kNone},
    {"no-mmap", kNone},
    {"dio", kNone},
    {"direct-io", kNone},
    {"numa", kOne},
    {"no-kv-offload", kNone},
    {"kv-offload", kNone},
    {"nkvo", kNone},
    {"kvu", kNone},
    {"kv-unified", kNone},
    {"no-op-offload", kNone},
    {"nr", kNone},
    {"no-repack", kNone},
    {"repack", kNone},
    {"no-host", kNone},
    {"b", kOne},
    {"batch-size", kOne},
    {"ub", kOne},
    {"ubatch-size", kOne},
    {"tb", kOne},
    {"threads-batch", kOne},
    {"td", kOne},
    {"threads-draft", kOne},
    {"tbd", kOne},
    {"threads-batch-draft", kOne},
    {"cd", kOne},
    {"ctx-size-draft", kOne},
    {"ngld", kOne},
    {"gpu-layers-draft", kOne},
    {"n-gpu-layers-draft", kOne},
    {"devd", kOne},
    {"device-draft", kOne},
    {"C", kOne},
    {"cpu-mask", kOne},
    {"Cr", kOne},
    {"cpu-range", kOne},
    {"cpu-strict", kOne},
    {"prio", kOne},
    {"prio-batch", kOne},
    {"poll", kOne},
    {"poll-batch", kOne},
    {"dt", kOne},
    {"defrag-thold", kOne},
    {"cb", kNone},
    {"cont-batching", kNone},
    {"nocb", kNone},
    {"no-cont-batching", kNone},
    {"memory-f32", kNone},
    {"low-vram", kNone},
    {"gqa", kOne},
    {"swa-full", kNone},
    {"context-shift", kNone},
    {"no-context-shift", kNone},
    {"warmup", kNone},
    {"no-warmup", kNone},
    {"check-tensors", kNone},
    {"offline", kNone},
    {"jinja", kNone},
    {"no-jinja", kNone},
    {"i", kNone},
    {"interactive", kNone},
    {"if", kNone},
    {"interactive-first", kNone},
    {"cnv", kNone},
    {"conversation", kNone},
    {"no-cnv", kNone},
    {"no-conversation", kNone},
    {"mli", kNone},
    {"multiline-input", kNone},
    {"simple-io", kNone},
    {"color", kOptional},
    {"co", kOptional},
    {"perf", kNone},
    {"no-perf", kNone},
    {"log-disable", kNone},
    {"log-timestamps", kNone},
    {"log-prefix", kNone},
    {"log-colors", kOptional},
});

constexpr std::array<std::string_view, 9> kSwitchValues = {"on", "off", "auto", "true", "false", "yes", "no", "0", "1"};

}  // namespace

std::span<const IgnoredFlag> llama_flags_without_meaning() { return kLlamaFlags; }

bool is_switch_value(std::string_view word) {
  return std::find(kSwitchValues.begin(), kSwitchValues.end(), word) != kSwitchValues.end();
}

}  // namespace patina::apps
