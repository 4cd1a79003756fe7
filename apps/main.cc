#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "apps/answering.h"
#include "apps/chat.h"
#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/flags_runtime.h"
#include "apps/flags_sampling.h"
#include "apps/flags_speculation.h"
#include "apps/text.h"
#include "base/error.h"
#include "engine/generator.h"
#include "engine/sequence.h"
#include "platform/signals.h"

namespace patina::apps {

namespace {

struct MainFlags {
  RuntimeFlags runtime;
  SamplingFlags sampling;
  SpeculationFlags speculation;
  std::optional<std::string> prompt;
  std::optional<std::string> file;
  std::string system;
  int64_t predict = -1;
  std::vector<std::string> reverse_prompts;
  bool ignore_eos = false;
  bool raw = false;
  bool no_display_prompt = false;
  bool escape = true;
  bool no_escape = false;
};

void add_prompt_flags(CommandLine& line, MainFlags& flags) {
  FlagGroup group = line.group("The prompt and its answer");
  group.add("-p,--prompt", flags.prompt, "TEXT",
            "the prompt; without one, a chat at the terminal, or read from a pipe");
  group.add("-f,--file", flags.file, "FILE", "a file with the prompt; -: the standard input");
  group.add("--sys,--system-prompt", flags.system, "TEXT", "the system message: the prompt becomes a conversation");
  group.add("-n,--predict,--n-predict", flags.predict, "N", "tokens of the answer; -1: until it ends by itself")
      .between(-1, INT64_MAX);
  group.add_repeatable("-r,--reverse-prompt", flags.reverse_prompts, "TEXT", "text that ends the answer; repeatable");
  group.add_switch("--ignore-eos", flags.ignore_eos, "go on where the model would end the text");
  group.add_switch("--raw", flags.raw, "put the prompt into no template");
  group.add_switch("--no-display-prompt", flags.no_display_prompt, "print only the answer");
  group.add_switch("-e,--escape", flags.escape,
                   "process \\n, \\t, \\\", \\\\, \\xHH in -p, -sys and -r; on unless --no-escape is given");
  group.add_switch("--no-escape", flags.no_escape, "leave those as they are");
}

void process_escapes(MainFlags& flags) {
  if (flags.no_escape) return;
  if (flags.prompt) flags.prompt = unescape(*flags.prompt);
  flags.system = unescape(flags.system);
  for (std::string& text : flags.reverse_prompts) text = unescape(text);
}

// The prompt, or nothing when there shall be a chat.
std::optional<std::string> find_prompt(const MainFlags& flags) {
  if (flags.prompt && flags.file) fail(ErrorKind::kInvalidArgument, "give the prompt either by -p or by -f, not both");
  if (flags.prompt) return flags.prompt;
  if (!flags.file && isatty(STDIN_FILENO) != 0) return std::nullopt;
  std::string text = read_text_file(flags.file.value_or("-"));
  if (text.empty()) {
    fail(ErrorKind::kInvalidArgument, "there is no prompt{}; give one with -p or -f, or chat at a terminal",
         flags.file ? " in " + *flags.file : "");
  }
  return text;
}

// A conversation when the user asked for what only a conversation has.
engine::Prompt write_prompt(const engine::Runtime& runtime, const MainFlags& flags, const std::string& text) {
  const bool converses = !flags.system.empty() || !flags.runtime.templates.chat.empty();
  if (!converses || flags.raw) {
    return engine::make_prompt(runtime.tokenizer(), runtime.prompt_rules(), text, flags.raw);
  }
  std::vector<tokenizer::ChatMessage> messages;
  if (!flags.system.empty()) messages.push_back({"system", flags.system});
  messages.push_back({"user", text});
  return engine::make_chat_prompt(runtime.tokenizer(), runtime.prompt_rules(), messages);
}

int answer_once(const engine::Runtime& runtime, const MainFlags& flags, const std::string& text,
                const engine::GenerationParams& params, const LogSink& log) {
  const engine::Prompt prompt = write_prompt(runtime, flags, text);
  patina::log(log, LogLevel::kDebug, fmt::format("the prompt as the model sees it:\n{}", prompt.text));
  engine::Sequence::check(runtime.tokenizer(), runtime.context_length(), prompt.tokens, params);
  engine::Generator generator(runtime);
  const platform::InterruptGuard interrupt;
  if (!flags.no_display_prompt) {
    // Inside a template, the answer does not go on from the prompt's last word.
    fmt::print("{}{}", text, prompt.text == text ? "" : "\n");
    std::fflush(stdout);
  }
  const Answer answer = stream_answer(generator, prompt, params, interrupt);
  fmt::print("\n");
  std::fflush(stdout);  // before what follows on stderr
  warn_of_full_context(answer.generation, runtime.context_length(), log);
  Timings timings;
  timings.add(answer.generation);
  timings.print(log);
  return answer.generation.reason == engine::StopReason::kCancelled ? exit_code(ErrorKind::kInterrupted) : kExitSuccess;
}

}  // namespace

int run_main(const Invocation& call) {
  MainFlags flags;
  CommandLine line(call, "Generates text, or chats at a terminal.");
  add_prompt_flags(line, flags);
  add_runtime_flags(line, flags.runtime, true);
  add_sampling_flags(line, flags.sampling);
  add_speculation_flags(line, flags.speculation);
  if (!line.parse()) return kExitSuccess;
  process_escapes(flags);
  if (flags.raw && !flags.system.empty()) {
    fail(ErrorKind::kInvalidArgument, "-sys needs a template, which --raw turns off; give one of the two");
  }
  const std::optional<std::string> prompt = find_prompt(flags);

  engine::RuntimeOptions options = flags.runtime.options();
  options.raw = flags.raw;
  options.speculation = flags.speculation.options();
  if (prompt) options.packing = model::Packing::kLater;  // a chat waits for its user anyway
  const auto runtime = engine::Runtime::open(options, line.log());
  const engine::GenerationParams params{.sampling = flags.sampling.resolve(line.log()),
                                        .max_tokens = flags.predict,
                                        .stops = flags.reverse_prompts,
                                        .ignore_eos = flags.ignore_eos};
  if (prompt) return answer_once(*runtime, flags, *prompt, params, line.log());
  run_chat(*runtime, params, flags.system, line.log());
  return kExitSuccess;
}

}  // namespace patina::apps
