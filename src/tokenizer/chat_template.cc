#include "tokenizer/chat_template.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace patina::tokenizer {
namespace {

// One format as the texts around each turn. Sources: the chat_template of each family's tokenizer_config.json, and
// mistralai/cookbook, concept-deep-dive/tokenization/chat_templates.md.
struct Form {
  ChatFormat format;
  std::string_view name;
  std::string_view system_before, system_after;
  bool system_in_user;  // the system text is the beginning of the first user's text, not a turn of its own
  std::string_view user_before, user_after;
  std::string_view answer_before;  // also the generation prompt
  std::string_view answer_gap;     // comes with the answer itself, as the model writes it
  std::string_view answer_end;     // what the model closes it with, if anything
  std::string_view answer_after;
  std::string_view between;  // an answer and the next user's turn
  bool trims;                // white space at the ends of a turn's text
  std::array<std::string_view, 2> stops;
};

constexpr std::array<Form, 12> kForms = {{
    {ChatFormat::kInstruction,
     "instruction",
     "",
     "\n",
     true,
     "### Instruction:\n",
     "\n",
     "### Response:\n",
     "",
     "",
     "",
     "\n",
     true,
     {"### Instruction:"}},
    {ChatFormat::kLlama2,
     "llama2",
     "<<SYS>>\n",
     "\n<</SYS>>\n\n",
     true,
     "[INST] ",
     " [/INST]",
     "",
     " ",
     " </s>",
     "",
     "<s>",
     true,
     {"[INST]"}},
    {ChatFormat::kLlama3,
     "llama3",
     "<|start_header_id|>system<|end_header_id|>\n\n",
     "<|eot_id|>",
     false,
     "<|start_header_id|>user<|end_header_id|>\n\n",
     "<|eot_id|>",
     "<|start_header_id|>assistant<|end_header_id|>\n\n",
     "",
     "<|eot_id|>",
     "",
     "",
     true,
     {"<|eot_id|>", "<|start_header_id|>"}},
    {ChatFormat::kMistral,
     "mistral",
     "",
     "\n\n",
     true,
     "[INST] ",
     " [/INST]",
     "",
     " ",
     "</s>",
     "",
     "",
     false,
     {"[INST]"}},
    {ChatFormat::kMistralV3,
     "mistral-v3",
     "",
     "\n\n",
     true,
     "[INST] ",
     "[/INST]",
     "",
     " ",
     "</s>",
     "",
     "",
     false,
     {"[INST]"}},
    {ChatFormat::kMistralTekken,
     "mistral-tekken",
     "",
     "\n\n",
     true,
     "[INST]",
     "[/INST]",
     "",
     "",
     "</s>",
     "",
     "",
     false,
     {"[INST]"}},
    {ChatFormat::kMistralV7,
     "mistral-v7",
     "[SYSTEM_PROMPT]",
     "[/SYSTEM_PROMPT]",
     false,
     "[INST]",
     "[/INST]",
     "",
     "",
     "</s>",
     "",
     "",
     false,
     {"[INST]"}},
    {ChatFormat::kChatml,
     "chatml",
     "<|im_start|>system\n",
     "<|im_end|>\n",
     false,
     "<|im_start|>user\n",
     "<|im_end|>\n",
     "<|im_start|>assistant\n",
     "",
     "<|im_end|>",
     "\n",
     "",
     false,
     {"<|im_end|>", "<|im_start|>"}},
    {ChatFormat::kGemma,
     "gemma",
     "",
     "\n\n",
     true,
     "<start_of_turn>user\n",
     "<end_of_turn>\n",
     "<start_of_turn>model\n",
     "",
     "<end_of_turn>",
     "\n",
     "",
     true,
     {"<end_of_turn>", "<start_of_turn>"}},
    {ChatFormat::kZephyr,
     "zephyr",
     "<|system|>\n",
     "</s>\n",
     false,
     "<|user|>\n",
     "</s>\n",
     "<|assistant|>\n",
     "",
     "</s>",
     "\n",
     "",
     false,
     {"</s>", "<|user|>"}},
    {ChatFormat::kDeepseekR1,
     "deepseek-r1",
     "",
     "",
     false,
     "<｜User｜>",
     "",
     "<｜Assistant｜>",
     "",
     "<｜end▁of▁sentence｜>",
     "",
     "",
     false,
     {"<｜end▁of▁sentence｜>", "<｜User｜>"}},
    {ChatFormat::kPlain, "plain", "", "\n", false, "", "\n", "", "", "", "\n", "", false, {}},
}};

const Form& form_of(ChatFormat format) {
  return *std::find_if(kForms.begin(), kForms.end(), [&](const Form& form) { return form.format == format; });
}

constexpr std::string_view kWhiteSpace = " \t\r\n\v\f";

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kWhiteSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) - begin + 1);
}

std::string_view body_of(const Form& form, std::string_view text) { return form.trims ? trimmed(text) : text; }

std::string system_text(const Form& form, std::span<const ChatMessage> messages) {
  std::string text;
  for (const ChatMessage& message : messages) {
    if (message.role != "system") continue;
    if (!text.empty()) text += '\n';
    text += body_of(form, message.content);
  }
  return text.empty() ? text : fmt::format("{}{}{}", form.system_before, text, form.system_after);
}

void check_role(const ChatMessage& message) {
  if (message.role == "system" || message.role == "user" || message.role == "assistant") return;
  fail(ErrorKind::kInvalidArgument, "a message has the role \"{}\"; it must be system, user or assistant",
       message.role);
}

}  // namespace

std::optional<ChatFormat> chat_format_from_name(std::string_view name) {
  for (const Form& form : kForms) {
    if (form.name == name) return form.format;
  }
  return std::nullopt;
}

std::string_view chat_format_name(ChatFormat format) { return form_of(format).name; }

std::vector<std::string_view> chat_format_names() {
  std::vector<std::string_view> names;
  names.reserve(kForms.size());
  for (const Form& form : kForms) names.push_back(form.name);
  return names;
}

// Which markers tell the families apart is taken from llama.cpp, llama-chat.cpp (llm_chat_detect_template).
std::optional<ChatFormat> recognise_chat_format(std::string_view jinja) {
  const auto has = [jinja](std::string_view marker) { return jinja.find(marker) != std::string_view::npos; };
  if (has("<|im_start|>")) {
    const bool another = has("<|im_sep|>") || has("<end_of_utterance>");
    return another ? std::nullopt : std::optional(ChatFormat::kChatml);
  }
  if (has("[INST]")) {
    if (has("[SYSTEM_PROMPT]")) return ChatFormat::kMistralV7;
    if (has("<<SYS>>")) return ChatFormat::kLlama2;
    if (!has("[AVAILABLE_TOOLS]") || has(" [INST]")) return ChatFormat::kMistral;
    return has("\"[INST]\"") ? ChatFormat::kMistralTekken : ChatFormat::kMistralV3;
  }
  if (has("<start_of_turn>")) return ChatFormat::kGemma;
  if (has("<|start_header_id|>") && has("<|end_header_id|>")) return ChatFormat::kLlama3;
  if (has("<｜User｜>") && has("<｜Assistant｜>")) return ChatFormat::kDeepseekR1;
  // Other families of this look close their turns with markers of their own, and say so.
  if (has("<|user|>") && has("<|assistant|>") && !has("<|end|>") && (has("eos_token") || has("</s>"))) {
    return ChatFormat::kZephyr;
  }
  if (has("### Instruction:") && has("### Response:")) return ChatFormat::kInstruction;
  return std::nullopt;
}

std::vector<ChatPiece> chat_pieces(ChatFormat format, std::span<const ChatMessage> messages) {
  const Form& form = form_of(format);
  for (const ChatMessage& message : messages) check_role(message);
  std::string system = system_text(form, messages);
  std::vector<ChatPiece> pieces(1);
  if (!form.system_in_user) pieces.back().before += std::exchange(system, {});
  bool answered = false;
  for (const ChatMessage& message : messages) {
    const std::string_view body = body_of(form, message.content);
    if (message.role == "user") {
      pieces.back().before += fmt::format("{}{}{}{}{}", answered ? form.between : "", form.user_before,
                                          std::exchange(system, {}), body, form.user_after);
      answered = false;
    } else if (message.role == "assistant") {
      pieces.back().before += form.answer_before;
      pieces.back().answer = fmt::format("{}{}", form.answer_gap, body);
      pieces.back().end = form.answer_end;
      pieces.push_back({.before = std::string(form.answer_after), .answer = {}, .end = {}});
      answered = true;
    }
  }
  return pieces;
}

std::string render_chat(ChatFormat format, std::span<const ChatMessage> messages, bool add_generation_prompt) {
  std::string prompt;
  for (const ChatPiece& piece : chat_pieces(format, messages)) prompt += piece.before + piece.answer + piece.end;
  if (add_generation_prompt) prompt += form_of(format).answer_before;
  return prompt;
}

std::vector<std::string> chat_stop_texts(ChatFormat format) {
  std::vector<std::string> texts;
  for (const std::string_view stop : form_of(format).stops) {
    if (!stop.empty()) texts.emplace_back(stop);
  }
  return texts;
}

std::string wrap_instruction(std::string_view prompt) {
  const std::array<ChatMessage, 1> messages = {{{"user", std::string(prompt)}}};
  return render_chat(ChatFormat::kInstruction, messages);
}

bool holds_instruction_markers(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    for (const std::string_view marker : {"### Instruction", "### Response"}) {
      if (!line.starts_with(marker)) continue;
      const std::string_view rest = line.substr(marker.size());
      if (rest.starts_with(":") || rest.starts_with("：")) return true;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

}  // namespace patina::tokenizer
