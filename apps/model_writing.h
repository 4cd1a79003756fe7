#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/log.h"
#include "convert/file_type.h"
#include "convert/quantize_file.h"
#include "platform/signals.h"

// What commands that write a model share.
namespace patina::apps {

// Of convert::file_types(), smallest first.
std::vector<std::string> file_type_names();
// Throws kInvalidArgument, naming the nearest one and listing all.
convert::FileType require_file_type(const std::string& name);

// Called before each tensor: says which it is, and throws kInterrupted after Ctrl-C.
class WritingProgress {
 public:
  WritingProgress(std::filesystem::path out, const LogSink& log) : out_(std::move(out)), log_(log) {}
  void operator()(const convert::QuantizeStep& step) const;
  // Says what it all came to.
  void finish(const convert::QuantizeReport& report) const;

 private:
  std::filesystem::path out_;
  const LogSink& log_;
  platform::InterruptGuard interrupt_;
};

}  // namespace patina::apps
