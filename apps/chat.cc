#include "apps/chat.h"

#include <fmt/format.h>

#include <cstdio>
#include <vector>

#include "apps/answering.h"
#include "apps/line_editor.h"
#include "engine/generator.h"
#include "patina/error.h"
#include "platform/signals.h"
#include "tokenizer/chat_template.h"

namespace patina::apps {

namespace {

constexpr std::string_view kHelp =
    "  /clear   begin a new conversation\n"
    "  /help    this list\n"
    "  /exit    leave (Ctrl-D does too)\n"
    "  Ctrl-C stops an answer; the arrow keys bring back earlier lines;\n"
    "  a line that ends in \\ goes on in the next one.\n";

class Chat {
 public:
  Chat(const engine::Runtime& runtime, const engine::GenerationParams& params, const std::string& system,
       const LogSink& log)
      : runtime_(runtime),
        params_(params),
        system_(system),
        log_(log),
        generator_(runtime),
        editor_(chat_history_path()) {
    clear();
  }

  void run() {
    fmt::print(stderr, "Type a message, or /help.\n");
    while (const std::optional<std::string> message = read_message()) {
      if (message->empty()) continue;
      if (message->front() != '/') {
        answer(*message);
      } else if (!obey(*message)) {
        break;
      }
    }
    timings_.print(log_);
  }

 private:
  void clear() {
    messages_.clear();
    if (!system_.empty()) messages_.push_back({"system", system_});
  }

  // Empty at the end of the input; "" for a line that was given up.
  std::optional<std::string> read_message() {
    std::string message;
    std::string prompt = "> ";
    while (true) {
      const Line line = editor_.read(prompt);
      if (line.end != LineEnd::kEntered) std::fputs("\n", stderr);
      if (line.end == LineEnd::kClosed) return std::nullopt;
      if (line.end == LineEnd::kInterrupted) {
        fmt::print(stderr, "(/exit or Ctrl-D leaves)\n");
        return "";
      }
      message += line.text;
      if (!message.ends_with('\\')) return message;
      message.back() = '\n';
      prompt = ". ";
    }
  }

  // False when the user wants to leave.
  bool obey(const std::string& command) {
    if (command == "/exit" || command == "/quit") return false;
    if (command == "/clear") {
      clear();
      fmt::print(stderr, "A new conversation.\n");
    } else {
      if (command != "/help") fmt::print(stderr, "There is no {}. What there is:\n", command);
      fmt::print(stderr, "{}", kHelp);
    }
    return true;
  }

  void answer(const std::string& message) {
    messages_.push_back({"user", message});
    interrupt_.clear();
    try {
      const engine::Prompt prompt = engine::make_chat_prompt(runtime_.tokenizer(), runtime_.prompt_rules(), messages_);
      const Answer answer = stream_answer(generator_, prompt, params_, interrupt_);
      std::fputs("\n", stdout);
      std::fflush(stdout);
      messages_.push_back({"assistant", answer.text});
      timings_.add(answer.generation);
      if (answer.generation.reason == engine::StopReason::kContextFull) {
        patina::log(log_, LogLevel::kWarning, "the context is full; /clear begins anew, -c gives a larger one");
      }
    } catch (const Error& error) {
      // The conversation is as it was before the message.
      messages_.pop_back();
      patina::log(log_, LogLevel::kError, error.what());
    }
  }

  const engine::Runtime& runtime_;
  const engine::GenerationParams& params_;
  const std::string& system_;
  const LogSink& log_;
  platform::InterruptGuard interrupt_;
  engine::Generator generator_;
  LineEditor editor_;
  std::vector<tokenizer::ChatMessage> messages_;
  Timings timings_;
};

}  // namespace

void run_chat(const engine::Runtime& runtime, const engine::GenerationParams& params, const std::string& system,
              const LogSink& log) {
  Chat(runtime, params, system, log).run();
}

}  // namespace patina::apps
