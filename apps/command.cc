#include "apps/command.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>

#include "apps/console.h"
#include "apps/nearest.h"
#include "apps/version.h"
#include "base/error.h"

namespace patina::apps {

namespace {

constexpr int kExitInterrupted = 130;

const Command* find_command(std::span<const Command> commands, std::string_view name) {
  for (const Command& command : commands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

void print_overview(std::span<const Command> commands) {
  fmt::print("patina runs quantized LLaMA-family models on a CPU, and fine-tunes them with LoRA.\n\n");
  fmt::print("Usage: patina COMMAND [FLAGS]\n\nCommands:\n");
  for (const Command& command : commands) fmt::print("  {:<12}{}\n", command.name, command.summary);
  fmt::print("\n`patina COMMAND --help` explains the flags of a command; `patina --version` prints the version.\n");
}

int report(int code, std::string_view sentence) {
  write_stderr(fmt::format("error: {}\n", sentence));
  return code;
}

[[noreturn]] void fail_unknown_command(std::span<const Command> commands, const std::string& word) {
  std::vector<std::string> names;
  for (const Command& command : commands) names.emplace_back(command.name);
  fail(ErrorKind::kInvalidArgument, "unknown command {}{} `patina --help` lists the commands", word,
       suggestion(word, names));
}

int run_by_word(std::span<const Command> commands, std::span<const std::string> words) {
  if (words.empty()) {
    print_overview(commands);
    return exit_code(ErrorKind::kInvalidArgument);
  }
  const std::string& word = words.front();
  if (word == "--version") {
    fmt::print("patina {}\n", kVersion);
    return kExitSuccess;
  }
  const bool asks_help = word == "--help" || word == "-h" || word == "help";
  if (asks_help && words.size() == 1) {
    print_overview(commands);
    return kExitSuccess;
  }
  const std::string& name = asks_help ? words[1] : word;
  const Command* command = find_command(commands, name);
  if (command == nullptr) fail_unknown_command(commands, name);
  Invocation call{.program = "patina " + name, .arguments = {words.begin() + 1, words.end()}};
  if (asks_help) call.arguments = {"--help"};
  return command->run(call);
}

void check_stdout() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    fail(ErrorKind::kIo, "cannot write to the standard output; the text is incomplete");
  }
}

// Calls `body` and turns what it throws into a line on stderr and an exit code.
template <typename Body>
int guarded(const Body& body) {
  try {
    const int code = body();
    check_stdout();
    return code;
  } catch (const Error& error) {
    return report(exit_code(error.kind()), error.what());
  } catch (const std::bad_alloc&) {
    return report(exit_code(ErrorKind::kOutOfMemory), "out of memory; a smaller model or context (-c) needs less");
  } catch (const std::exception& error) {
    return report(kExitUnknownError, error.what());
  } catch (...) {
    return report(kExitUnknownError, "an exception of an unknown type was thrown; please report this");
  }
}

}  // namespace

int exit_code(ErrorKind kind) {
  if (kind == ErrorKind::kInterrupted) return kExitInterrupted;
  return kExitUnknownError + 1 + static_cast<int>(kind);
}

int run_program(std::span<const Command> commands, std::span<const std::string> words) {
  return guarded([&] {
    if (words.empty()) return run_by_word(commands, words);
    const std::string name = std::filesystem::path(words.front()).filename().string();
    const Command* command = find_command(commands, name);
    if (command == nullptr) return run_by_word(commands, words.subspan(1));
    return command->run({.program = words.front(), .arguments = {words.begin() + 1, words.end()}});
  });
}

}  // namespace patina::apps
