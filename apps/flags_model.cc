#include "apps/flags_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <optional>

#include "engine/runtime.h"
#include "tokenizer/chat_template.h"

namespace patina::apps {

namespace {

// A finite number that takes up all of `text`.
std::optional<float> whole_number(std::string_view text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

void add_legacy_flags(CommandLine& line, io::LegacyHints& hints) {
  FlagGroup group = line.group("What a GGJT v3 (.bin) file does not say (ignored for GGUF)");
  group.add("--rms-norm-eps", hints.rms_norm_eps, "X", "epsilon of the norms (default 5e-6)").positive();
  group.add("--rope-freq-base", hints.rope_freq_base, "X", "base of the rotations' frequencies (default 10000)")
      .positive();
  group.add("--n-kv-heads", hints.head_count_kv, "N", "key-value heads (default as the shapes say)").positive();
  group.add("--n-ctx-train", hints.context_length, "N", "context it was trained with (default 2048)").positive();
}

void add_model_flags(CommandLine& line, ModelFlags& flags) {
  line.add("-m,--model", flags.path, "FILE", "the model, a GGUF or GGJT v3 (.bin) file; any part of a split one")
      .required();
  add_legacy_flags(line, flags.hints);
  line.ignore(llama_flags_without_meaning());
}

void add_precise_flag(CommandLine& line, bool& precise) {
  line.add_switch("--precise", precise, "keep activations and attention in f32: slower, the reference");
}

void add_compute_flags(CommandLine& line, ComputeFlags& flags) {
  line.add("-t,--threads", flags.threads, "N", kThreadsHelp);
  add_precise_flag(line, flags.precise);
}

void add_context_flags(CommandLine& line, ContextFlags& flags) {
  line.add("-c,--ctx-size", flags.size, "N",
           "tokens of context\n(default the smaller of what the model was trained for and 4096)")
      .hide_default()
      .between(0, engine::kMostContext);
  add_cache_type_flags(line, flags);
}

void add_cache_type_flags(CommandLine& line, ContextFlags& flags) {
  const auto add_type = [&](const std::string& names, const std::string& what, std::string& type) {
    line.add(names, type, "TYPE", what).one_of({"f16", "q8_0"});
  };
  add_type("--cache-type-k,--ctk", "what keys of the context are kept in: f16, or q8_0 for half of the memory",
           flags.key_type);
  add_type("--cache-type-v,--ctv", "the same for values", flags.value_type);
}

AdapterSpec parse_scaled_adapter(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon != std::string_view::npos && colon > 0) {
    if (const std::optional<float> scale = whole_number(text.substr(colon + 1))) {
      return {.path = text.substr(0, colon), .scale = *scale};
    }
  }
  return {.path = text};
}

std::vector<AdapterSpec> AdapterFlags::specs() const {
  std::vector<AdapterSpec> all;
  all.reserve(files.size() + scaled.size());
  for (const std::string& file : files) all.push_back({.path = file});
  for (const std::string& text : scaled) all.push_back(parse_scaled_adapter(text));
  return all;
}

void add_adapter_flags(CommandLine& line, AdapterFlags& flags) {
  line.add_repeatable("--lora,--lora-adapter", flags.files, "FILE", "lay this adapter over the model; repeatable");
  line.add_repeatable("--lora-scaled", flags.scaled, "FILE:SCALE", "the same at a scale other than 1; repeatable");
}

void add_template_flags(CommandLine& line, TemplateFlags& flags) {
  line.add("--template", flags.prompt, "NAME",
           "put prompts into this template, also where adapters disagree; none: into no template\n"
           "(default what the adapters were trained with)");
  line.add("--chat-template", flags.chat, "NAME",
           fmt::format("format of conversations (default as the file says), one of {}",
                       fmt::join(tokenizer::chat_format_names(), ", ")));
}

}  // namespace patina::apps
