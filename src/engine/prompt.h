#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/chat_template.h"
#include "tokenizer/tokenizer.h"

namespace patina::engine {

using tokenizer::TokenId;

// How prompts and conversations are written for a model with its adapters.
struct PromptRules {
  std::optional<tokenizer::ChatFormat> question;  // the template that a bare prompt is put into; empty: none is
  tokenizer::ChatFormat chat = tokenizer::ChatFormat::kPlain;
};

// What the rules are made of; names as tokenizer::chat_format_from_name() knows them, empty where nothing is said.
struct PromptRuleSources {
  std::string template_choice;   // --template: overrides the adapters' template; "none" turns it off
  std::string adapter_template;  // adapter::shared_prompt_template()
  std::string chat_choice;       // --chat-template
  std::string jinja;             // the model file's own template
};

// Bare prompts: template_choice, else adapter_template, else as they are. Conversations: chat_choice, else the template
// of bare prompts, else the format recognised in jinja, else plain. Throws kInvalidArgument, listing the names there
// are, for an unknown choice, and kUnsupported for an adapter's unknown template.
PromptRules resolve_prompt_rules(const PromptRuleSources& sources);

struct Prompt {
  std::string text;                // as it goes to the model
  std::vector<TokenId> tokens;     // with BOS where the vocabulary wants one, never with EOS
  std::vector<std::string> stops;  // texts at which the answer ends, besides end-of-generation tokens
};

// A user's prompt: put into the template of bare prompts, unless there is none, `raw` is set or the text holds the
// template's markers already (its stops apply then too). Throws as Tokenizer::encode().
Prompt make_prompt(const tokenizer::Tokenizer& tokenizer, const PromptRules& rules, std::string_view text, bool raw);

// A conversation, ending where the next answer begins. Throws kInvalidArgument for an unknown role, and as encode().
Prompt make_chat_prompt(const tokenizer::Tokenizer& tokenizer, const PromptRules& rules,
                        std::span<const tokenizer::ChatMessage> messages);

}  // namespace patina::engine
