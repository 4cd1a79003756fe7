#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/flags_model.h"
#include "apps/quote.h"
#include "apps/text.h"
#include "base/error.h"
#include "io/model_file.h"
#include "model/vocab_from_file.h"
#include "tokenizer/tokenizer.h"

namespace patina::apps {

namespace {

struct Flags {
  ModelFlags model;
  std::optional<std::string> prompt;
  std::optional<std::string> file;
  bool ids = false;
  bool no_bos = false;
  bool no_parse_special = false;
};

std::string text_of(const Flags& flags) {
  if (flags.prompt.has_value() == flags.file.has_value()) {
    fail(ErrorKind::kInvalidArgument, "give the text either by -p or by -f");
  }
  return flags.prompt.has_value() ? *flags.prompt : read_file(*flags.file);
}

}  // namespace

int run_tokenize(const Invocation& call) {
  CommandLine line(call,
                   "Turns a text into tokens. Any GGUF file with a vocabulary will do, whatever its architecture.");
  Flags flags;
  add_model_flags(line, flags.model);
  line.add("-p,--prompt", flags.prompt, "TEXT", "the text, as it is");
  line.add("-f,--file", flags.file, "FILE", "a file with the text; -: the standard input");
  line.add_switch("--ids", flags.ids, "print the ids alone, as [1, 2, 3]");
  line.add_switch("--no-bos", flags.no_bos, "without the special tokens at the begin and end of a text");
  line.add_switch("--no-parse-special", flags.no_parse_special, "control tokens' texts are plain text");
  if (!line.parse()) return kExitSuccess;

  const std::string text = text_of(flags);
  const auto file = io::ModelFile::open(flags.model.path, flags.model.hints);
  io::require_model(*file);
  const auto tokenizer = tokenizer::Tokenizer::create(model::vocab_from_file(*file));
  const std::vector<tokenizer::TokenId> ids =
      tokenizer->encode(text, {.add_special = !flags.no_bos, .parse_special = !flags.no_parse_special});
  if (flags.ids) {
    fmt::print("[{}]\n", fmt::join(ids, ", "));
    return kExitSuccess;
  }
  for (const tokenizer::TokenId id : ids) {
    constexpr bool kRenderSpecial = true;
    fmt::print("{:6} -> {}\n", id, quote(tokenizer->piece(id, kRenderSpecial)));
  }
  return kExitSuccess;
}

}  // namespace patina::apps
