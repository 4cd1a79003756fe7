#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <string>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/flags_model.h"
#include "apps/model_writing.h"
#include "convert/quantize_file.h"
#include "io/model_file.h"
#include "platform/cores.h"
#include "threading/thread_pool.h"

namespace patina::apps {

namespace {

struct Flags {
  std::filesystem::path in;
  std::filesystem::path out;
  std::string type;
  int threads = 0;
  io::LegacyHints hints;
};

}  // namespace

int run_quantize(const Invocation& call) {
  CommandLine line(
      call,
      "Writes a model with other tensor types, as GGUF. The types that end in _S, _M and _L are mixes, with "
      "more bits for the tensors that need them most.");
  Flags flags;
  line.add("IN", flags.in, "FILE", "the model, GGUF or GGJT v3 (.bin)").required();
  line.add("OUT", flags.out, "FILE", "the file to write, another than IN").required();
  line.add("TYPE", flags.type, "NAME", fmt::format("one of\n{}", fmt::join(file_type_names(), ", "))).required();
  line.add("-t,--threads", flags.threads, "N", kThreadsHelp);
  add_legacy_flags(line, flags.hints);
  if (!line.parse()) return kExitSuccess;

  const convert::FileType type = require_file_type(flags.type);
  const auto in = io::ModelFile::open(flags.in, flags.hints);
  ThreadPool pool(platform::threads_to_use(flags.threads));
  const WritingProgress progress(flags.out, line.log());
  progress.finish(convert::quantize_model(*in, flags.out, type, pool, progress));
  return kExitSuccess;
}

}  // namespace patina::apps
