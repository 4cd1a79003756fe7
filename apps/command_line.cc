#include "apps/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <concepts>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <type_traits>

#include "apps/console.h"
#include "apps/nearest.h"
#include "apps/quote.h"
#include "apps/version.h"
#include "base/error.h"
#include "platform/mapped_file.h"

namespace patina::apps {

namespace {

constexpr size_t kHelpColumn = 34;
constexpr size_t kHelpWidth = 100;

// `text` in lines of at most `width` columns, broken between words; its own line ends stay.
std::string wrapped(const std::string& text, size_t width) {
  std::string result;
  size_t line_begin = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    const size_t end = rest.find_first_of(" \n");
    const std::string_view word = rest.substr(0, end);
    const bool begins = result.size() == line_begin;
    if (!begins && result.size() - line_begin + 1 + word.size() > width) {
      result += '\n';
      line_begin = result.size();
    } else if (!begins) {
      result += ' ';
    }
    result += word;
    if (end != std::string_view::npos && rest[end] == '\n') {
      result += '\n';
      line_begin = result.size();
    }
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return result;
}

// Placeholders without CLI11's decorations, and the default at the end of the description.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter() { column_width(kHelpColumn); }

  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    constexpr std::string_view kNegated = "{false}";
    std::string name = CLI::Formatter::make_option_name(option, is_positional);
    const size_t at = name.find(kNegated);
    return at == std::string::npos ? name : name.erase(at, kNegated.size());
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_size() == 0 ? "" : " " + option->get_option_text();
  }

  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    const std::string value = option->get_type_size() == 0 ? "" : option->get_default_str();
    if (option->get_required()) {
      text += " (required)";
    } else if (!value.empty() && value != "[]") {
      text += fmt::format(" (default {})", value);
    }
    return wrapped(text, kHelpWidth - kHelpColumn);
  }
};

constexpr std::string_view kWithoutValue = "on";
constexpr std::string_view kConfig = "--config";

struct Word {
  std::string name;   // without dashes, underscores turned into dashes
  std::string value;  // what follows "="
  bool has_value = false;
};

// "--top_k=3" is {"top-k", "3"}; "-t4" is {"t", "4"}.
Word split(const std::string& argument) {
  const size_t begin = argument.starts_with("--") ? 2 : 1;
  const size_t equals = argument.find('=');
  Word word;
  word.name = argument.substr(begin, equals == std::string::npos ? equals : equals - begin);
  std::replace(word.name.begin(), word.name.end(), '_', '-');
  if (equals != std::string::npos) {
    word.value = argument.substr(equals + 1);
    word.has_value = true;
  } else if (begin == 1 && word.name.find_first_not_of("0123456789", 1) == std::string::npos && word.name.size() > 1) {
    word.value = word.name.substr(1);
    word.name.resize(1);
    word.has_value = true;
  }
  return word;
}

bool is_flag(const std::string& argument) {
  if (argument.size() < 2 || argument[0] != '-') return false;
  return std::string_view("0123456789.").find(argument[1]) == std::string_view::npos;
}

// Of the names of several letters, or of those that negate ("no-shuffle"); empty where there is none.
std::string longest_name(const CLI::Option& option, bool negated) {
  std::string longest;
  for (const std::string& name : option.get_lnames()) {
    const bool is_negated = option.get_items_expected_max() == 0 && option.get_flag_value(name, "true") == "false";
    if (is_negated == negated && name.size() > longest.size()) longest = name;
  }
  return longest;
}

std::string with_dashes(const std::string& name) { return (name.size() == 1 ? "-" : "--") + name; }

// What a flag's value holds: itself, or what may be in it.
template <typename T>
struct Held {
  using Type = T;
};
template <typename T>
struct Held<std::optional<T>> {
  using Type = T;
};

// What is wrong with the text of a whole number; empty where all is well. CLI11 takes "" for 0, "-1" for the largest
// where there is no sign, and what is beyond 64 bits for the last that is within.
template <std::integral Number>
std::string wrong_number(const std::string& text) {
  char* end = nullptr;
  errno = 0;
  if constexpr (std::is_unsigned_v<Number>) {
    std::strtoull(text.c_str(), &end, 0);
  } else {
    std::strtoll(text.c_str(), &end, 0);
  }
  if (text.empty() || *end != '\0') return fmt::format("{} is no whole number", quote(text));
  if (std::is_unsigned_v<Number> && text.find('-') != std::string::npos) {
    return fmt::format("{} is no whole number of 0 or more", text);
  }
  return errno == ERANGE ? fmt::format("{} is beyond 64 bits", text) : "";
}

// The same of any number, of which infinity is none.
template <std::floating_point Number>
std::string wrong_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') return fmt::format("{} is no number", quote(text));
  return std::isfinite(static_cast<Number>(value)) ? "" : fmt::format("{} is no number to reckon with", text);
}

}  // namespace

const Flag& Flag::required(bool is_required) const {
  option_->required(is_required);
  return *this;
}

const Flag& Flag::describe(const std::string& description) const {
  option_->description(description);
  return *this;
}

const Flag& Flag::hide_default() const {
  option_->default_str("");
  return *this;
}

const Flag& Flag::between(int64_t least, int64_t most) const {
  const auto check = [least, most](const std::string& text) -> std::string {
    const int64_t value = std::strtoll(text.c_str(), nullptr, 0);
    if (least <= value && value <= most) return "";
    if (most == INT64_MAX) return fmt::format("{} is less than {}", text, least);
    return fmt::format("{} is not from {} to {}", text, least, most);
  };
  option_->check(CLI::Validator(check, ""));
  return *this;
}

const Flag& Flag::within(double least, double most) const {
  const auto check = [least, most](const std::string& text) -> std::string {
    const double value = std::strtod(text.c_str(), nullptr);
    return least <= value && value <= most ? "" : fmt::format("{} is not from {} to {}", text, least, most);
  };
  option_->check(CLI::Validator(check, ""));
  return *this;
}

const Flag& Flag::share() const { return within(0, 1); }

const Flag& Flag::positive() const {
  option_->check(CLI::PositiveNumber);
  return *this;
}

const Flag& Flag::joined() const {
  option_->join(',');
  return *this;
}

const Flag& Flag::one_of(const std::vector<std::string>& words) const {
  option_->transform(CLI::IsMember(words, CLI::ignore_case));
  return *this;
}

Flag FlagGroup::placed(CLI::Option& option) const {
  if (!heading_.empty()) option.group(heading_);
  return Flag(option);
}

template <typename T>
Flag FlagGroup::add(const std::string& names, T& value, const std::string& placeholder,
                    const std::string& description) {
  CLI::Option& option = *app_.add_option(names, value, description)->option_text(placeholder);
  using Number = typename Held<T>::Type;
  if constexpr (std::is_arithmetic_v<Number>) option.check(CLI::Validator(wrong_number<Number>, ""));
  return placed(option);
}

using Text = const std::string&;
template Flag FlagGroup::add(Text, int&, Text, Text);
template Flag FlagGroup::add(Text, int64_t&, Text, Text);
template Flag FlagGroup::add(Text, uint16_t&, Text, Text);
template Flag FlagGroup::add(Text, size_t&, Text, Text);
template Flag FlagGroup::add(Text, float&, Text, Text);
template Flag FlagGroup::add(Text, double&, Text, Text);
template Flag FlagGroup::add(Text, std::optional<double>&, Text, Text);
template Flag FlagGroup::add(Text, std::optional<size_t>&, Text, Text);
template Flag FlagGroup::add(Text, std::string&, Text, Text);
template Flag FlagGroup::add(Text, std::filesystem::path&, Text, Text);
template Flag FlagGroup::add(Text, std::optional<std::string>&, Text, Text);
template Flag FlagGroup::add(Text, std::optional<std::filesystem::path>&, Text, Text);
template Flag FlagGroup::add(Text, std::vector<std::string>&, Text, Text);

Flag FlagGroup::add_switch(const std::string& names, bool& value, const std::string& description) {
  return placed(*app_.add_flag(names, value, description));
}

// CLI11 sees a value always, CommandLine::normalise() puts it there; that it need not be given is kept in the option.
Flag FlagGroup::add_optional(const std::string& names, std::string& value, const std::string& placeholder,
                             const std::string& description, std::vector<std::string> words) {
  words.emplace_back(kWithoutValue);
  return placed(*app_.add_option(names, value, description)
                     ->option_text("[" + placeholder + "]")
                     ->expected(0, 1)
                     ->check(CLI::IsMember(std::move(words))));
}

Flag FlagGroup::add_repeatable(const std::string& names, std::vector<std::string>& values,
                               const std::string& placeholder, const std::string& description) {
  return placed(*app_.add_option(names, values, description)
                     ->option_text(placeholder)
                     ->allow_extra_args(false)
                     ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll));
}

CommandLine::CommandLine(const Invocation& call, const std::string& description)
    : CommandLine(call, std::make_unique<CLI::App>(description, call.program)) {}

CommandLine::CommandLine(const Invocation& call, std::unique_ptr<CLI::App> app)
    : FlagGroup(*app, ""), call_(call), app_(std::move(app)) {
  app_->formatter(std::make_shared<HelpFormatter>());
  app_->option_defaults()->always_capture_default()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app_->footer("Flags of several letters take one dash or two, and _ or - within.");
  app_->set_help_flag("-h,--help", "print this and exit");
  app_->set_version_flag("--version", fmt::format("patina {}", kVersion), "print the version and exit");
  app_->add_flag("-v,--verbose", verbose_, "more notices on stderr");
  app_->add_flag("-q,--quiet", quiet_, "only warnings and errors on stderr");
}

CommandLine::~CommandLine() = default;

Flag CommandLine::flag(const std::string& name) const { return Flag(*app_->get_option(name)); }

void CommandLine::add_note(const std::string& text) { app_->footer(app_->get_footer() + "\n" + text); }

bool CommandLine::parse() {
  std::vector<std::string> words = normalise(call_.arguments);
  const std::vector<std::string> more = config_words(words);
  words.insert(words.begin(), more.begin(), more.end());
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    app_->parse(std::move(words));
  } catch (const CLI::Success& asked) {
    app_->exit(asked);
    return false;
  } catch (const CLI::ParseError& error) {
    fail(ErrorKind::kInvalidArgument, "{}; `{} --help` explains the flags", error.what(), call_.program);
  }
  if (!muted_) log_ = stderr_log(quiet_ ? LogLevel::kWarning : (verbose_ ? LogLevel::kDebug : LogLevel::kInfo));
  tell_ignored();
  return true;
}

void CommandLine::tell_ignored() const {
  if (!ignored_seen_.empty()) {
    patina::log(log_, LogLevel::kInfo, fmt::format("no meaning here, ignored: {}", fmt::join(ignored_seen_, " ")));
  }
  for (const std::string& sentence : instead_) patina::log(log_, LogLevel::kWarning, sentence);
}

void CommandLine::add_config_flag() { add("--config", config_, "FILE", "more flags, as lines  name = value  (TOML)"); }

// The flags of the file that `given` names by --config, but those that are in `given` themselves.
std::vector<std::string> CommandLine::config_words(const std::vector<std::string>& given) {
  const auto found = std::find(given.rbegin(), given.rend(), kConfig);
  if (found == given.rend() || found == given.rbegin()) return {};
  const std::string source = *std::prev(found);
  const platform::MappedFile file(source);
  const auto bytes = file.bytes();
  std::vector<std::string> words;
  for (const FileFlag& flag : parse_flag_file({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, source)) {
    std::vector<std::string> arguments;
    for (const std::string& value : flag.values) {
      const CLI::Option* option = find(split("--" + flag.name).name);
      const bool is_switch = option != nullptr && option->get_items_expected_max() == 0;
      if (is_switch && value != "true" && value != "false") {
        fail(ErrorKind::kInvalidData, "{}:{}: {} is true or false", source, flag.line, flag.name);
      }
      if (is_switch && value == "true") arguments.push_back("--" + flag.name);
      if (!is_switch) arguments.push_back(fmt::format("--{}={}", flag.name, value));
    }
    std::vector<std::string> part;
    try {
      part = normalise(arguments);
    } catch (const Error& error) {
      fail(error.kind(), "{}:{}: {}", source, flag.line, error.what());
    }
    const bool is_given = !part.empty() && std::ranges::any_of(given, [&](const std::string& word) {
      return word.starts_with('-') && is_flag(word) && find(split(word).name) == find(split(part.front()).name);
    });
    if (!is_given) words.insert(words.end(), part.begin(), part.end());
  }
  return words;
}

std::vector<FileFlag> CommandLine::values() const {
  std::vector<FileFlag> flags;
  for (const CLI::Option* option : app_->get_options()) {
    const bool is_switch = option->get_items_expected_max() == 0;
    const std::string name = longest_name(*option, is_switch && option->count() > 0 && !option->as<bool>());
    if (name.empty() || option->get_positional() || name == "config" || name == "help" || name == "version") continue;
    FileFlag flag{name, {}, 0};
    if (is_switch && option->count() > 0) {
      flag.values = {"true"};
    } else if (!is_switch && option->count() > 0) {
      flag.values = option->reduced_results();
    } else if (const std::string value = option->get_default_str(); !is_switch && !value.empty() && value != "[]") {
      flag.values = {value};
    }
    if (!flag.values.empty()) flags.push_back(std::move(flag));
  }
  return flags;
}

// The arguments with flags of other programs under the names that they have here.
std::vector<std::string> CommandLine::renamed(const std::vector<std::string>& given) const {
  std::vector<std::string> arguments;
  for (size_t i = 0; i < given.size(); ++i) {
    const Word word = is_flag(given[i]) ? split(given[i]) : Word();
    const auto found =
        std::find_if(renamed_.begin(), renamed_.end(), [&](const RenamedFlag& flag) { return flag.name == word.name; });
    if (word.name.empty() || found == renamed_.end() || find(word.name) != nullptr) {
      arguments.push_back(given[i]);
    } else if (found->takes_none) {
      arguments.push_back(fmt::format("--{}={}", found->here, found->value));
    } else if (word.has_value || i + 1 < given.size()) {
      arguments.push_back(
          fmt::format("--{}={}{}", found->here, found->value, word.has_value ? word.value : given[++i]));
    } else {
      arguments.push_back(fmt::format("--{}", found->here));
    }
  }
  return arguments;
}

const CLI::Option* CommandLine::find(std::string_view name) const {
  return app_->get_option_no_throw(with_dashes(std::string(name)));
}

const IgnoredFlag* CommandLine::find_ignored(std::string_view name) const {
  const auto found =
      std::find_if(ignored_.begin(), ignored_.end(), [&](const auto& flag) { return flag.name == name; });
  return found == ignored_.end() ? nullptr : &*found;
}

// The arguments in the form that CLI11 wants: known flags by one of their own names, the rest as it is.
std::vector<std::string> CommandLine::normalise(const std::vector<std::string>& given) {
  const std::vector<std::string> arguments = renamed(given);
  std::vector<std::string> words;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      words.insert(words.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      break;
    }
    if (!is_flag(argument)) {
      words.push_back(argument);
      continue;
    }
    const Word word = split(argument);
    const CLI::Option* option = find(word.name);
    if (option == nullptr) {
      const IgnoredFlag* ignored = find_ignored(word.name);
      if (ignored == nullptr) fail_unknown(argument.substr(0, argument.find('=')));
      i = skip_ignored(*ignored, arguments, i, word.has_value);
      continue;
    }
    const bool takes_value = option->get_items_expected_max() > 0;
    if (!takes_value && word.has_value) {
      fail(ErrorKind::kInvalidArgument, "{} takes no value", with_dashes(word.name));
    }
    words.push_back(with_dashes(word.name));
    if (!takes_value) continue;
    const bool left_out = !word.has_value && (i + 1 == arguments.size() || is_flag(arguments[i + 1]));
    if (option->get_items_expected_min() == 0 && left_out) {
      words.emplace_back(kWithoutValue);
      continue;
    }
    if (!word.has_value && i + 1 == arguments.size()) {
      fail(ErrorKind::kInvalidArgument, "{} needs a value: {}", with_dashes(word.name), option->get_description());
    }
    words.push_back(word.has_value ? word.value : arguments[++i]);
  }
  return words;
}

// The index of the last argument that belongs to the ignored flag at `index`.
size_t CommandLine::skip_ignored(const IgnoredFlag& flag, const std::vector<std::string>& arguments, size_t index,
                                 bool has_value) {
  ignored_seen_.push_back(arguments[index]);
  if (!flag.instead.empty()) instead_.push_back(fmt::format("{}: {}", arguments[index], flag.instead));
  if (flag.value == FlagValue::kNone || has_value || index + 1 == arguments.size()) return index;
  if (flag.value == FlagValue::kOptional && !is_switch_value(arguments[index + 1])) return index;
  return index + 1;
}

void CommandLine::fail_unknown(const std::string& flag) const {
  std::vector<std::string> names;
  for (const CLI::Option* option : app_->get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
  }
  fail(ErrorKind::kInvalidArgument, "unknown flag {}{} `{} --help` explains the flags", flag, suggestion(flag, names),
       call_.program);
}

}  // namespace patina::apps
