#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace patina::tokenizer {

struct ChatMessage {
  std::string role;  // "system", "user" or "assistant"
  std::string content;
};

// The chat formats that patina writes itself. kInstruction is the "### Instruction: / ### Response:" form that
// adapters trained on instruction blocks record.
enum class ChatFormat { kInstruction, kLlama2, kLlama3, kMistral, kChatml, kGemma, kZephyr, kDeepseekR1, kPlain };

// By the name a user gives to --chat-template ("llama2", "llama3", "mistral", "chatml", "gemma", "zephyr",
// "deepseek-r1", "instruction", "plain"); empty for an unknown one.
std::optional<ChatFormat> chat_format_from_name(std::string_view name);
std::string_view chat_format_name(ChatFormat format);
std::vector<std::string_view> chat_format_names();

// Recognises the family by the markers in the file's Jinja source; empty when none is known.
std::optional<ChatFormat> recognise_chat_format(std::string_view jinja);

// The conversation as one prompt, ending where the assistant's answer begins (`add_generation_prompt`). Special
// markers are written as text, to be encoded with parse_special. BOS is not included.
std::string render_chat(ChatFormat format, std::span<const ChatMessage> messages, bool add_generation_prompt = true);

// Texts at which an answer ends in this format, besides the end-of-generation tokens ("### Instruction:" ...).
std::vector<std::string> chat_stop_texts(ChatFormat format);

}  // namespace patina::tokenizer
