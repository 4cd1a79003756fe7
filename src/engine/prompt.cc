#include "engine/prompt.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace patina::engine {

namespace {

using tokenizer::ChatFormat;

constexpr std::string_view kNone = "none";

ChatFormat chosen_format(std::string_view name, std::string_view flag) {
  const std::optional<ChatFormat> format = tokenizer::chat_format_from_name(name);
  if (!format) {
    fail(ErrorKind::kInvalidArgument, "{} {} is unknown; there are: {}", flag, name,
         fmt::join(tokenizer::chat_format_names(), ", "));
  }
  return *format;
}

std::optional<ChatFormat> question_format(const PromptRuleSources& sources) {
  if (sources.template_choice == kNone) return std::nullopt;
  if (!sources.template_choice.empty()) return chosen_format(sources.template_choice, "--template");
  if (sources.adapter_template.empty()) return std::nullopt;
  const std::optional<ChatFormat> format = tokenizer::chat_format_from_name(sources.adapter_template);
  if (!format) {
    fail(
        ErrorKind::kUnsupported,
        "the adapter was trained on prompts of the template {}, which patina does not know; choose one with --template "
        "({} or {})",
        sources.adapter_template, fmt::join(tokenizer::chat_format_names(), ", "), kNone);
  }
  return format;
}

bool holds_markers(ChatFormat format, std::string_view text) {
  if (format == ChatFormat::kInstruction) return tokenizer::holds_instruction_markers(text);
  return std::ranges::any_of(tokenizer::chat_stop_texts(format),
                             [&](const std::string& marker) { return text.find(marker) != std::string_view::npos; });
}

// `text` as tokens that an answer can follow.
std::vector<TokenId> encode_open(const tokenizer::Tokenizer& tokenizer, std::string_view text) {
  std::vector<TokenId> tokens = tokenizer.encode(text);
  if (tokenizer.adds_eos() && !tokens.empty()) tokens.pop_back();
  return tokens;
}

}  // namespace

PromptRules resolve_prompt_rules(const PromptRuleSources& sources) {
  PromptRules rules;
  rules.question = question_format(sources);
  if (!sources.chat_choice.empty()) {
    rules.chat = chosen_format(sources.chat_choice, "--chat-template");
  } else if (rules.question) {
    rules.chat = *rules.question;
  } else {
    rules.chat = tokenizer::recognise_chat_format(sources.jinja).value_or(ChatFormat::kPlain);
  }
  return rules;
}

Prompt make_prompt(const tokenizer::Tokenizer& tokenizer, const PromptRules& rules, std::string_view text, bool raw) {
  Prompt prompt;
  prompt.text = text;
  if (rules.question && !raw) {
    if (!holds_markers(*rules.question, text)) {
      const std::array<tokenizer::ChatMessage, 1> messages = {{{"user", std::string(text)}}};
      prompt.text = tokenizer::render_chat(*rules.question, messages);
    }
    prompt.stops = tokenizer::chat_stop_texts(*rules.question);
  }
  prompt.tokens = encode_open(tokenizer, prompt.text);
  return prompt;
}

Prompt make_chat_prompt(const tokenizer::Tokenizer& tokenizer, const PromptRules& rules,
                        std::span<const tokenizer::ChatMessage> messages) {
  Prompt prompt;
  prompt.text = tokenizer::render_chat(rules.chat, messages);
  prompt.tokens = encode_open(tokenizer, prompt.text);
  prompt.stops = tokenizer::chat_stop_texts(rules.chat);
  return prompt;
}

}  // namespace patina::engine
