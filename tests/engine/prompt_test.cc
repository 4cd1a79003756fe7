#include "engine/prompt.h"

#include "engine/tiny_model.h"

namespace patina::engine {
namespace {

using io::expect_error;
using tokenizer::ChatFormat;

PromptRuleSources sources(const std::string& template_choice, const std::string& adapter_template,
                          const std::string& chat_choice, const std::string& jinja) {
  return {template_choice, adapter_template, chat_choice, jinja};
}

TEST(PromptRules, WhatIsSaidComesBeforeTheAdapterBeforeTheFile) {
  const std::string jinja = "{{ '<|im_start|>' }}";
  EXPECT_EQ(resolve_prompt_rules({}).question, std::nullopt);
  EXPECT_EQ(resolve_prompt_rules({}).chat, ChatFormat::kPlain);
  EXPECT_EQ(resolve_prompt_rules(sources("", "", "", jinja)).question, std::nullopt);
  EXPECT_EQ(resolve_prompt_rules(sources("", "", "", jinja)).chat, ChatFormat::kChatml);
  EXPECT_EQ(resolve_prompt_rules(sources("", "instruction", "", jinja)).question, ChatFormat::kInstruction);
  EXPECT_EQ(resolve_prompt_rules(sources("", "instruction", "", jinja)).chat, ChatFormat::kInstruction);
  EXPECT_EQ(resolve_prompt_rules(sources("", "instruction", "gemma", jinja)).question, ChatFormat::kInstruction);
  EXPECT_EQ(resolve_prompt_rules(sources("", "instruction", "gemma", jinja)).chat, ChatFormat::kGemma);
  EXPECT_EQ(resolve_prompt_rules(sources("none", "instruction", "", jinja)).question, std::nullopt);
  EXPECT_EQ(resolve_prompt_rules(sources("none", "instruction", "", jinja)).chat, ChatFormat::kChatml);
  EXPECT_EQ(resolve_prompt_rules(sources("llama2", "instruction", "", jinja)).question, ChatFormat::kLlama2);
}

TEST(PromptRules, UnknownNamesAreRefusedWithTheKnownOnes) {
  expect_error([] { resolve_prompt_rules(sources("x", "", "", "")); }, ErrorKind::kInvalidArgument, "--template x");
  expect_error([] { resolve_prompt_rules(sources("", "", "x", "")); }, ErrorKind::kInvalidArgument, "chatml, gemma");
  expect_error([] { resolve_prompt_rules(sources("", "x", "", "")); }, ErrorKind::kUnsupported, "--template");
  EXPECT_EQ(resolve_prompt_rules(sources("none", "x", "", "")).question, std::nullopt);
}

TEST(Prompt, QuestionsAreWrappedUnlessTheyAreAlready) {
  const TinyModel model;
  const auto runtime = model.open();
  const tokenizer::Tokenizer& tokenizer = runtime->tokenizer();
  const PromptRules rules{.question = ChatFormat::kInstruction, .chat = ChatFormat::kInstruction};
  const std::string wrapped = "### Instruction:\nTell me a joke\n### Response:\n";
  const Prompt prompt = make_prompt(tokenizer, rules, " Tell me a joke\n", false);
  EXPECT_EQ(prompt.text, wrapped);
  EXPECT_EQ(prompt.tokens, tokenizer.encode(wrapped));
  EXPECT_EQ(prompt.tokens.front(), tokenizer.bos());
  EXPECT_THAT(prompt.stops, testing::Contains("### Instruction:"));
  const Prompt again = make_prompt(tokenizer, rules, wrapped, false);
  EXPECT_EQ(again.text, wrapped);
  EXPECT_EQ(again.stops, prompt.stops);
  const Prompt raw = make_prompt(tokenizer, rules, "Tell me", true);
  EXPECT_EQ(raw.text, "Tell me");
  EXPECT_THAT(raw.stops, testing::IsEmpty());
  EXPECT_EQ(make_prompt(tokenizer, {}, "Tell me", false).text, "Tell me");
}

TEST(Prompt, ConversationsHaveEarlierTurnsAsEarlierBlocks) {
  const TinyModel model;
  const auto runtime = model.open();
  const std::vector<tokenizer::ChatMessage> messages = {{"user", "a"}, {"assistant", "b"}, {"user", "c"}};
  const Prompt prompt =
      make_chat_prompt(runtime->tokenizer(), {.question = {}, .chat = ChatFormat::kInstruction}, messages);
  EXPECT_EQ(prompt.text, "### Instruction:\na\n### Response:\nb\n### Instruction:\nc\n### Response:\n");
  EXPECT_THAT(prompt.stops, testing::Contains("### Instruction:"));
}

}  // namespace
}  // namespace patina::engine
