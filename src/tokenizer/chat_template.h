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
// adapters trained on instruction blocks record. The Mistral forms differ in spaces and in where the system text goes.
enum class ChatFormat {
  kInstruction,
  kLlama2,
  kLlama3,
  kMistral,        // v1: "[INST] text [/INST] answer</s>"
  kMistralV3,      // "[INST] text[/INST] answer</s>"
  kMistralTekken,  // "[INST]text[/INST]answer</s>"
  kMistralV7,      // as tekken, with [SYSTEM_PROMPT]
  kChatml,
  kGemma,
  kZephyr,  // TinyLlama too
  kDeepseekR1,
  kPlain,
};

// By the name a user gives to --chat-template ("llama2", "llama3", "mistral", "mistral-v3", "mistral-tekken",
// "mistral-v7", "chatml", "gemma", "zephyr", "deepseek-r1", "instruction", "plain"); empty for an unknown one.
std::optional<ChatFormat> chat_format_from_name(std::string_view name);
std::string_view chat_format_name(ChatFormat format);
std::vector<std::string_view> chat_format_names();

// Recognises the family by the markers in the file's Jinja source; empty when none is known.
std::optional<ChatFormat> recognise_chat_format(std::string_view jinja);

// The conversation as one prompt, ending where the assistant's answer begins (`add_generation_prompt`). Special
// markers are written as text, to be encoded with parse_special. BOS is not included, only that of later turns (Llama
// 2). System messages are joined by a line end and go where the format wants them, or before the first user's text.
// Throws kInvalidArgument for another role.
std::string render_chat(ChatFormat format, std::span<const ChatMessage> messages, bool add_generation_prompt = true);

// The same conversation cut at the assistant's answers: before, answer and end of all pieces, one after the other, are
// the conversation without a generation prompt. The last piece is what follows the last answer; it has no answer.
struct ChatPiece {
  std::string before;  // what the model is given
  std::string answer;  // what it writes
  std::string end;     // what it closes the answer with; empty where the format has no such marker
};
std::vector<ChatPiece> chat_pieces(ChatFormat format, std::span<const ChatMessage> messages);

// Texts at which an answer ends in this format, besides the end-of-generation tokens ("### Instruction:" ...).
std::vector<std::string> chat_stop_texts(ChatFormat format);

// "### Instruction:\n{prompt}\n### Response:\n", white space at the prompt's ends removed: what comes before the answer
// in training and in prompting, so that both have the same tokens. The answer follows directly.
std::string wrap_instruction(std::string_view prompt);

// Whether a line of `text` begins with "### Instruction:" or "### Response:" (after white space; the colon may be
// full-width): such a prompt is not wrapped again.
bool holds_instruction_markers(std::string_view text);

}  // namespace patina::tokenizer
