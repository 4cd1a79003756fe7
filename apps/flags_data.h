#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/command_line.h"
#include "base/log.h"
#include "engine/runtime.h"
#include "tokenizer/chat_template.h"
#include "train/data/row_data.h"

namespace patina::apps {

// Files of rows to learn from or to measure with, and how they are to be read.
struct DataFlags {
  std::vector<std::string> paths;
  std::string encoding = "auto";
  std::string text = "auto";
  std::string chat_template;
  bool mask_prompt = true;
  bool skip_bad_rows = false;
  bool rejected = true;  // as train::ExampleOptions; no flag

  // Throws kInvalidArgument for an unknown encoding, and what RowSource does.
  std::shared_ptr<train::RowSource> open(const LogSink& log) const;
  // What makes examples for a vocabulary; `chat` is the format that resolve_prompt_rules() gives for it.
  std::shared_ptr<const train::ExampleMaker> maker(const tokenizer::Tokenizer& tokenizer, tokenizer::ChatFormat chat,
                                                   size_t context) const;
  std::shared_ptr<const train::ExampleMaker> maker(const engine::Runtime& runtime) const;
  // The examples of all rows; with skip_bad_rows, bad ones are warned of and left out. Throws as train::RowData.
  std::unique_ptr<train::RowData> load(const std::shared_ptr<train::RowSource>& source,
                                       const std::shared_ptr<const train::ExampleMaker>& maker,
                                       const LogSink& log) const;
};
// `name`: of the flag for the files, or without dashes of the arguments.
void add_data_flags(FlagGroup& group, DataFlags& flags, const std::string& name, const std::string& description);

// Cuts running text so that pieces fit the context with a token before and one behind.
void cut_books(train::RowSource& source, const std::shared_ptr<const train::ExampleMaker>& maker, size_t context);

// Warns of the first bad rows, a line each, and of how many more there are.
class BadRows {
 public:
  // `word`: what such a row is called, or what was done with it.
  BadRows(const LogSink& log, std::string word) : log_(log), word_(std::move(word)) {}

  train::BadRowSink sink();
  void finish() const;

 private:
  const LogSink& log_;
  std::string word_;
  size_t count_ = 0;
};

}  // namespace patina::apps
