#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/data_sample.h"
#include "apps/flags_data.h"
#include "apps/flags_model.h"
#include "base/error.h"
#include "engine/prompt.h"
#include "engine/runtime.h"
#include "io/model_file.h"
#include "model/hyperparameters.h"
#include "model/vocab_from_file.h"
#include "tokenizer/tokenizer.h"
#include "train/data/data_statistics.h"

namespace patina::apps {

namespace {

struct Flags {
  std::string action;
  ModelFlags model;
  DataFlags data;
  size_t context = 0;
};

// What of a model the data is measured with.
struct Vocabulary {
  std::unique_ptr<tokenizer::Tokenizer> tokenizer;
  std::shared_ptr<const train::ExampleMaker> maker;
  size_t context = 0;
};

Vocabulary open_vocabulary(const Flags& flags) {
  const auto file = io::ModelFile::open(flags.model.path, flags.model.hints);
  Vocabulary vocabulary;
  vocabulary.tokenizer = tokenizer::Tokenizer::create(model::vocab_from_file(*file));
  vocabulary.context =
      flags.context > 0
          ? flags.context
          : static_cast<size_t>(std::min(model::read_hyperparameters(*file).context_length, engine::kDefaultContext));
  const engine::PromptRules rules =
      engine::resolve_prompt_rules({.template_choice = {},
                                    .adapter_template = {},
                                    .chat_choice = flags.data.chat_template,
                                    .jinja = vocabulary.tokenizer->vocab().chat_template});
  vocabulary.maker = flags.data.maker(*vocabulary.tokenizer, rules.chat, 0);
  return vocabulary;
}

void print_histogram(const train::LengthHistogram& histogram, bool tokens) {
  constexpr size_t kWidth = 40;
  const std::vector<train::LengthHistogram::Class> classes = histogram.classes();
  size_t most = 1;
  for (const auto& one : classes) most = std::max(most, one.count);
  fmt::print("\n{} of a row:\n", tokens ? "Tokens" : "Characters");
  for (const auto& one : classes) {
    const size_t bar = (one.count * kWidth + most - 1) / most;
    fmt::print("  {:>7} - {:<7} {:<{}} {}\n", one.least, one.most, std::string(bar, '#'), kWidth, one.count);
  }
}

void print_counts(const train::RowSource& source, const train::DataStatistics& found, const Vocabulary* vocabulary) {
  for (size_t i = 0; i < source.files(); ++i) {
    fmt::print("{}: {}{}\n", source.file_name(i), source.form_name(i), source.is_book(i) ? ", cut into pieces" : "");
  }
  const size_t rows = found.rows.size();
  fmt::print("rows: {} ({} questions, {} conversations, {} plain texts)\n", rows,
             found.count(train::RowKind::kQuestion), found.count(train::RowKind::kChat),
             found.count(train::RowKind::kText));
  if (rows > 0) {
    fmt::print("{}: {}, of which {} are learned; {:.1f} a row, {} the longest\n",
               vocabulary != nullptr ? "tokens" : "characters", found.length, found.loss_length,
               static_cast<double>(found.length) / static_cast<double>(rows), found.longest);
  }
  fmt::print("bad rows: {}\n", found.bad);
  if (vocabulary != nullptr) {
    fmt::print("longer than the context of {}: {}{}\n", vocabulary->context, found.too_long,
               found.too_long > 0 ? " (refused; --skip-bad-rows leaves them out)" : "");
  }
  fmt::print("duplicates: {}\n", found.duplicates);
  for (const auto& [first, again] : found.some_duplicates) {
    fmt::print("  {} repeats {}\n", source.place(again), source.place(first));
  }
}

}  // namespace

int run_data(const Invocation& call) {
  Flags flags;
  CommandLine line(call, "Shows what is in training data: how much of it, what is wrong with it, and what is learned.");
  line.add("ACTION", flags.action, "check", "what to do").required().one_of({"check"});
  add_data_flags(line, flags.data, "FILE", "the data");
  add_model_flags(line, flags.model);
  line.flag("-m").required(false).describe("the model that the data is for: lengths are then tokens, else characters");
  line.add("-c,--ctx-size", flags.context, "N", "context that a row must fit (default as for training)")
      .hide_default()
      .between(0, engine::kMostContext);
  if (!line.parse()) return kExitSuccess;
  const bool has_model = !flags.model.path.empty();
  if (flags.context > 0 && !has_model) {
    fail(ErrorKind::kInvalidArgument, "-c counts the tokens of a model; give that by -m");
  }

  const auto source = flags.data.open(line.log());
  Vocabulary vocabulary;
  if (has_model) {
    vocabulary = open_vocabulary(flags);
    cut_books(*source, vocabulary.maker, vocabulary.context);
  }
  BadRows bad(line.log(), "bad row");
  const train::DataStatistics found = train::examine(*source, vocabulary.maker.get(), vocabulary.context, bad.sink());
  bad.finish();
  print_counts(*source, found, has_model ? &vocabulary : nullptr);
  if (found.rows.size() > 0) {
    print_histogram(found.histogram, has_model);
    const bool colour = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
    print_samples(*source, found.rows, vocabulary.tokenizer.get(), vocabulary.maker.get(), colour);
  }
  const size_t refused = found.bad + found.too_long;
  if (refused > 0 && !flags.data.skip_bad_rows) {
    fail(ErrorKind::kInvalidData,
         "training would refuse {} of the rows; correct them, or leave them out with "
         "--skip-bad-rows",
         refused);
  }
  return kExitSuccess;
}

}  // namespace patina::apps
