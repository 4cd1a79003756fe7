#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "patina/error.h"

// How a command of the program is made:
//   1. apps/NAME.cc defines  int run_NAME(const Invocation& call)  and a line in apps/commands.h declares it;
//   2. a line in the table of apps/commands.cc names it, with the summary that `patina --help` prints.
// The function builds a CommandLine (apps/command_line.h), adds its own flags and the shared groups of apps/flags_*.h,
// parses, and wires the library's parts. Errors are thrown as patina::Error: run_program() prints them. Text goes to
// stdout, all else to the CommandLine's log, which writes to stderr.
namespace patina::apps {

// What the user typed.
struct Invocation {
  std::string program;                 // how to type it again: "patina main", "./main"
  std::vector<std::string> arguments;  // what follows
};

struct Command {
  std::string_view name;
  std::string_view summary;  // one line, without a full stop
  int (*run)(const Invocation& call);
};

constexpr int kExitSuccess = 0;
constexpr int kExitUnknownError = 1;
// 2 and up by kind, in the order of ErrorKind; 130 for kInterrupted, as shells have it.
int exit_code(ErrorKind kind);

// The whole program: takes the command from the program's own name ("main", "./finetune") or else from the first
// argument, and runs it. Knows `--help`, `--version` and `help [COMMAND]`. Whatever is thrown becomes one line
// "error: ..." on stderr and an exit code; so does a stdout that cannot be written to.
int run_program(std::span<const Command> commands, std::span<const std::string> words);

}  // namespace patina::apps
