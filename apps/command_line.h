#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/command.h"
#include "apps/flag_file.h"
#include "apps/ignored_flags.h"
#include "base/log.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace patina::apps {

// What is said of a flag once it is added.
class Flag {
 public:
  explicit Flag(CLI::Option& option) : option_(&option) {}

  const Flag& required(bool is_required = true) const;
  const Flag& describe(const std::string& description) const;
  // For a default whose value says nothing, such as 0 for "as the model says".
  const Flag& hide_default() const;
  const Flag& between(int64_t least, int64_t most) const;  // whole numbers
  const Flag& within(double least, double most) const;
  const Flag& share() const;  // from 0 to 1
  const Flag& positive() const;
  const Flag& joined() const;  // given several times, the texts make one list, with commas
  const Flag& one_of(const std::vector<std::string>& words) const;  // in any case; the value is the word as it is here

 private:
  CLI::Option* option_;
};

// Flags that stand together in the help. Of all that are added: names of one letter have one dash ("-m"), others two,
// and an argument without a name ("FILE") none; the value keeps its default where the flag is not given; a description
// has no full stop, and is wrapped; the default is shown by itself where it is not empty.
class FlagGroup {
 public:
  FlagGroup(CLI::App& app, std::string heading) : app_(app), heading_(std::move(heading)) {}

  // For the types of numbers, texts and paths, std::optional of them and lists, that command_line.cc names.
  template <typename T>
  Flag add(const std::string& names, T& value, const std::string& placeholder, const std::string& description);
  // A flag without a value.
  Flag add_switch(const std::string& names, bool& value, const std::string& description);
  // A flag whose value, one of `words`, may be left out: it is then "on".
  Flag add_optional(const std::string& names, std::string& value, const std::string& placeholder,
                    const std::string& description, std::vector<std::string> words);
  // A flag that may be given several times, one value each time.
  Flag add_repeatable(const std::string& names, std::vector<std::string>& values, const std::string& placeholder,
                      const std::string& description);

 private:
  Flag placed(CLI::Option& option) const;

  CLI::App& app_;
  std::string heading_;
};

// The flags of one command, and their parsing. On top of CLI11, which only the source file includes, as it takes long
// to compile: an unknown flag is an error that names the nearest known one; underscores equal dashes in names; names of
// several letters take one dash or two (-sys, --sys); a value may begin with a dash (-p "- one", --seed -1); of a flag
// given twice the last counts; -h, --version, -v and -q are there for every command.
//
//   CommandLine line(call, "Prints what a file holds.");
//   line.add("FILE", options.file, "PATH", "the file").required();
//   add_model_flags(line, options.model);
//   if (!line.parse()) return kExitSuccess;  // --help or --version was asked for and printed
//
// It is itself the group of flags without a heading.
class CommandLine : public FlagGroup {
 public:
  // `call` must outlive this.
  CommandLine(const Invocation& call, const std::string& description);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  FlagGroup group(const std::string& heading) { return {*app_, heading}; }
  // One that was added before, by any of its names with dashes.
  Flag flag(const std::string& name) const;
  // Lines at the end of the help.
  void add_note(const std::string& text);
  // Flags that are accepted with one notice for all of them, unless the command has a flag of that name itself.
  void ignore(std::span<const IgnoredFlag> flags) { ignored_.insert(ignored_.end(), flags.begin(), flags.end()); }

  // Flags that stand for others, unless the command has a flag of that name itself.
  void rename(std::span<const RenamedFlag> flags) { renamed_.insert(renamed_.end(), flags.begin(), flags.end()); }
  // Adds --config FILE, which holds flags as parse_flag_file() reads them. A flag on the command line takes the place
  // of the same one in the file.
  void add_config_flag();

  // False when --help or --version has been answered and there is nothing more to do. Throws kInvalidArgument for
  // unknown flags, missing or unusable values.
  bool parse();

  // Before parse(): nothing will be logged, for a process that another one speaks for.
  void mute() { muted_ = true; }
  // For notices, to stderr: all with -v, only warnings and errors with -q. After parse().
  const LogSink& log() const { return log_; }
  bool quiet() const { return quiet_; }
  // Every flag of the command that has a value, by its longest name, given or not, as the file of --config holds them.
  std::vector<FileFlag> values() const;
  // The file of --config, where one was given.
  const std::optional<std::filesystem::path>& config() const { return config_; }
  const std::string& program() const { return call_.program; }

 private:
  CommandLine(const Invocation& call, std::unique_ptr<CLI::App> app);

  const CLI::Option* find(std::string_view name) const;
  const IgnoredFlag* find_ignored(std::string_view name) const;
  std::vector<std::string> normalise(const std::vector<std::string>& given);
  std::vector<std::string> config_words(const std::vector<std::string>& given);
  std::vector<std::string> renamed(const std::vector<std::string>& given) const;
  size_t skip_ignored(const IgnoredFlag& flag, const std::vector<std::string>& arguments, size_t index, bool has_value);
  void tell_ignored() const;
  [[noreturn]] void fail_unknown(const std::string& flag) const;

  const Invocation& call_;
  std::unique_ptr<CLI::App> app_;
  std::vector<IgnoredFlag> ignored_;
  std::vector<RenamedFlag> renamed_;
  std::vector<std::string> ignored_seen_;
  std::vector<std::string> instead_;  // sentences about some of these
  std::optional<std::filesystem::path> config_;
  bool verbose_ = false;
  bool quiet_ = false;
  bool muted_ = false;
  LogSink log_;
};

}  // namespace patina::apps
