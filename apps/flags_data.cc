#include "apps/flags_data.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/error.h"
#include "tokenizer/chat_template.h"
#include "train/data/data_files.h"

namespace patina::apps {

namespace {

constexpr size_t kListed = 50;  // bad rows

}  // namespace

std::shared_ptr<train::RowSource> DataFlags::open(const LogSink& log) const {
  const std::optional<train::TextEncoding> known = train::text_encoding_from_name(encoding);
  if (!known) {
    fail(ErrorKind::kInvalidArgument, "unknown encoding {}; known are auto, utf-8, utf-16 and gb18030", encoding);
  }
  const std::vector<std::filesystem::path> files = train::data_files({paths.begin(), paths.end()}, log);
  const train::PlainText plain = text == "book"    ? train::PlainText::kBook
                                 : text == "lines" ? train::PlainText::kLines
                                                   : train::PlainText::kAuto;
  auto source = std::make_shared<train::RowSource>(files, *known, plain);
  for (size_t i = 0; i < source->files() && text == "auto"; ++i) {
    if (!source->is_book(i)) continue;
    patina::log(log, LogLevel::kInfo,
                fmt::format("{} is running text and cut into pieces of the context; --text lines takes each line as an "
                            "example",
                            source->file_name(i)));
  }
  return source;
}

std::shared_ptr<const train::ExampleMaker> DataFlags::maker(const tokenizer::Tokenizer& tokenizer,
                                                            tokenizer::ChatFormat chat, size_t context) const {
  train::ExampleOptions options{.mask_prompt = mask_prompt, .context = context, .rejected = rejected};
  // Plain is what there is where neither the file nor the user says anything: turns could not be told apart.
  if (chat != tokenizer::ChatFormat::kPlain || !chat_template.empty()) options.chat = chat;
  return std::make_shared<train::ExampleMaker>(tokenizer, options);
}

std::shared_ptr<const train::ExampleMaker> DataFlags::maker(const engine::Runtime& runtime) const {
  return maker(runtime.tokenizer(), runtime.prompt_rules().chat, static_cast<size_t>(runtime.context_length()));
}

std::unique_ptr<train::RowData> DataFlags::load(const std::shared_ptr<train::RowSource>& source,
                                                const std::shared_ptr<const train::ExampleMaker>& maker,
                                                const LogSink& log) const {
  cut_books(*source, maker, maker->options().context);
  BadRows bad(log, "row left out");
  auto data = std::make_unique<train::RowData>(source, maker, skip_bad_rows ? bad.sink() : train::BadRowSink());
  bad.finish();
  if (data->size() == 0) fail(ErrorKind::kInvalidData, "every row was left out; correct them as the warnings say");
  return data;
}

void cut_books(train::RowSource& source, const std::shared_ptr<const train::ExampleMaker>& maker, size_t context) {
  constexpr size_t kAround = 2;
  source.cut_books(std::max(context, kAround + 1) - kAround,
                   [maker](std::string_view piece) { return maker->count(piece); });
}

train::BadRowSink BadRows::sink() {
  return [this](const std::string& sentence) {
    if (++count_ <= kListed) patina::log(log_, LogLevel::kWarning, fmt::format("{}: {}", word_, sentence));
  };
}

void BadRows::finish() const {
  if (count_ > kListed) patina::log(log_, LogLevel::kWarning, fmt::format("{}: {} more", word_, count_ - kListed));
}

void add_data_flags(FlagGroup& group, DataFlags& flags, const std::string& name, const std::string& description) {
  const std::string text = description +
                           ", or a folder of such files; repeatable:\nblocks of \"### Instruction:\" and \"### "
                           "Response:\", one example a line, JSON, JSON lines or CSV";
  if (name.starts_with('-')) {
    group.add_repeatable(name, flags.paths, "FILE", text).required();
  } else {
    group.add(name, flags.paths, "PATH...", text).required();
  }
  group.add("--encoding", flags.encoding, "NAME", "of that text: auto (UTF-8, or UTF-16 where it looks so), gb18030");
  group
      .add("--text", flags.text, "FORM",
           "how plain text is read: lines (an example each), book (cut into pieces of the context), auto (book where "
           "lines are wrapped)")
      .one_of({"auto", "lines", "book"});
  group.add("--chat-template", flags.chat_template, "NAME",
            fmt::format("format of conversations (default as the model's file says, else instruction), one of {}",
                        fmt::join(tokenizer::chat_format_names(), ", ")));
  group.add_switch("--mask-prompt,!--no-mask-prompt", flags.mask_prompt,
                   "only answers are learned (the default), or prompts too");
  group.add_switch("--skip-bad-rows", flags.skip_bad_rows, "list rows that cannot be used and go on without them");
}

}  // namespace patina::apps
