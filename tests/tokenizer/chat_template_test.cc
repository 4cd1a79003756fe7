#include "tokenizer/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tokenizer/golden.h"

namespace patina::tokenizer {
namespace {

TEST(ChatTemplate, RendersAsTheModelsOwnTemplates) {
  const nlohmann::json golden = golden::load(PATINA_SOURCE_DIR "/tests/golden/tokenizer/chat.json");
  ASSERT_GT(golden.size(), 20U);
  for (const auto& one : golden) {
    std::vector<ChatMessage> messages;
    for (const auto& message : one.at("messages")) messages.push_back({message.at("role"), message.at("content")});
    const auto format = chat_format_from_name(one.at("format").get<std::string>());
    EXPECT_EQ(render_chat(format.value_or(ChatFormat::kPlain), messages), one.at("text").get<std::string>())
        << one.at("template");
  }
}

TEST(ChatTemplate, PiecesEndWithTheAnswers) {
  const std::vector<ChatMessage> messages = {{"user", "Hi"}, {"assistant", "Hello."}, {"user", "Bye"}};
  const std::vector<ChatPiece> pieces = chat_pieces(ChatFormat::kChatml, messages);
  ASSERT_EQ(pieces.size(), 2);
  EXPECT_EQ(pieces[0].before, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(pieces[0].answer, "Hello.");
  EXPECT_EQ(pieces[0].end, "<|im_end|>");
  EXPECT_EQ(pieces[1].before, "\n<|im_start|>user\nBye<|im_end|>\n");
  EXPECT_EQ(pieces[1].answer + pieces[1].end, "");
}

TEST(ChatTemplate, InstructionBlocks) {
  const std::vector<ChatMessage> messages = {
      {"system", "Be brief."}, {"user", "Hi\n"}, {"assistant", " Hello. "}, {"user", "Bye"}};
  EXPECT_EQ(render_chat(ChatFormat::kInstruction, messages),
            "### Instruction:\nBe brief.\nHi\n### Response:\nHello.\n### Instruction:\nBye\n### Response:\n");
  EXPECT_EQ(wrap_instruction("讲一个笑话。\n"), "### Instruction:\n讲一个笑话。\n### Response:\n");
  EXPECT_THAT(chat_stop_texts(ChatFormat::kInstruction), testing::ElementsAre("### Instruction:"));
}

TEST(ChatTemplate, InstructionMarkersAreSeenAtTheBeginningOfALine) {
  EXPECT_TRUE(holds_instruction_markers(wrap_instruction("x")));
  EXPECT_TRUE(holds_instruction_markers("  ### Instruction：\n讲"));
  EXPECT_TRUE(holds_instruction_markers("Text\r\n### Response:\r\n"));
  EXPECT_FALSE(holds_instruction_markers("What does ### Instruction: mean?"));
  EXPECT_FALSE(holds_instruction_markers("### Instructions for use"));
  EXPECT_FALSE(holds_instruction_markers(""));
}

TEST(ChatTemplate, NamesGoBothWays) {
  for (const std::string_view name : chat_format_names()) {
    const auto format = chat_format_from_name(name);
    EXPECT_TRUE(format.has_value());
    EXPECT_EQ(chat_format_name(format.value_or(ChatFormat::kPlain)), name);
  }
  EXPECT_EQ(chat_format_from_name("llama7"), std::nullopt);
}

TEST(ChatTemplate, RecognisesFamiliesByTheirMarkers) {
  const auto recognised = [](std::string_view jinja) {
    const auto format = recognise_chat_format(jinja);
    return format ? chat_format_name(*format) : "";
  };
  EXPECT_EQ(recognised("{{'<|im_start|>' + message['role'] + '\\n'}}"), "chatml");
  EXPECT_EQ(recognised("{{'<|im_start|>system<|im_sep|>'}}"), "");
  EXPECT_EQ(recognised("{{ bos_token + '[INST] <<SYS>>\\n' + content }}"), "llama2");
  EXPECT_EQ(recognised("{{ '[INST] ' + content + ' [/INST]' }}"), "mistral");
  EXPECT_EQ(recognised("{{ '[AVAILABLE_TOOLS]' }}{{ \"[INST]\" + content }}"), "mistral-tekken");
  EXPECT_EQ(recognised("{{ '[AVAILABLE_TOOLS]' }}{{ \"[INST] \" + content }}"), "mistral-v3");
  EXPECT_EQ(recognised("{{ '<start_of_turn>' + role }}"), "gemma");
  EXPECT_EQ(recognised("{{ '<|start_header_id|>' + role + '<|end_header_id|>' }}"), "llama3");
  EXPECT_EQ(recognised("{{ '<|user|>\\n' + content + eos_token }}{{ '<|assistant|>' }}"), "zephyr");
  EXPECT_EQ(recognised("{{ '<|user|>\\n' + content + '<|end|>' }}{{ '<|assistant|>' }}"), "");
  EXPECT_EQ(recognised("{{ '<｜User｜>' + content }}{{ '<｜Assistant｜>' }}"), "deepseek-r1");
  EXPECT_EQ(recognised("### Instruction:\n{{ content }}\n### Response:\n"), "instruction");
  EXPECT_EQ(recognised("{{ messages }}"), "");
}

TEST(ChatTemplate, AnUnknownRoleIsRefused) {
  const std::vector<ChatMessage> messages = {{"wizard", "abracadabra"}};
  try {
    (void)render_chat(ChatFormat::kChatml, messages);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    EXPECT_THAT(error.what(), testing::HasSubstr("wizard"));
  }
}

}  // namespace
}  // namespace patina::tokenizer
