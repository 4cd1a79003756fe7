#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <vector>

#include "apps/command.h"
#include "apps/ignored_flags.h"
#include "base/log.h"

namespace patina::apps {

// The flags of one command, and their parsing. On top of CLI11: an unknown flag is an error that names the nearest
// known one; underscores equal dashes in names; names of several letters take one dash or two (-sys, --sys); a value
// may begin with a dash (-p "- one", --seed -1); of a flag given twice the last counts; -h, --version, -v and -q are
// there for every command.
//
//   CommandLine line(call, "Prints what a file holds.");
//   line.app().add_option("file", options.file, "the file")->required()->type_name("FILE");
//   add_model_flags(line, options.model);
//   if (!line.parse()) return kExitSuccess;  // --help or --version was asked for and printed
class CommandLine {
 public:
  // `call` must outlive this.
  CommandLine(const Invocation& call, const std::string& description);
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // Where flags are added. Give each a type_name() (one with a colon as option_text()) and a description without a full
  // stop, which is wrapped; the default is shown by itself where it is not empty. Names of one letter have one dash
  // ("-m"), all others two.
  CLI::App& app() { return app_; }
  // A flag that may be given several times, one value each time.
  CLI::Option* add_repeatable(const std::string& names, std::vector<std::string>& values,
                              const std::string& description);
  // Flags that are accepted with one notice for all of them, unless the command has a flag of that name itself.
  void ignore(std::span<const IgnoredFlag> flags) { ignored_.insert(ignored_.end(), flags.begin(), flags.end()); }

  // False when --help or --version has been answered and there is nothing more to do. Throws kInvalidArgument for
  // unknown flags, missing or unusable values.
  bool parse();

  // For notices, to stderr: all with -v, only warnings and errors with -q. After parse().
  const LogSink& log() const { return log_; }
  const std::string& program() const { return call_.program; }

 private:
  const CLI::Option* find(std::string_view name) const;
  const IgnoredFlag* find_ignored(std::string_view name) const;
  std::vector<std::string> normalise();
  size_t skip_ignored(const IgnoredFlag& flag, size_t index, bool has_value);
  [[noreturn]] void fail_unknown(const std::string& flag) const;

  const Invocation& call_;
  CLI::App app_;
  std::vector<IgnoredFlag> ignored_;
  std::vector<std::string> ignored_seen_;
  bool verbose_ = false;
  bool quiet_ = false;
  LogSink log_;
};

}  // namespace patina::apps
