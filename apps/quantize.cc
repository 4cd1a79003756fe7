#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <string>
#include <vector>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/flags_model.h"
#include "apps/nearest.h"
#include "base/error.h"
#include "convert/file_type.h"
#include "convert/quantize_file.h"
#include "io/model_file.h"
#include "io/printable.h"
#include "platform/cores.h"
#include "platform/signals.h"
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

std::vector<std::string> type_names() {
  std::vector<std::string> names;
  for (const convert::FileTypeInfo& type : convert::file_types()) names.emplace_back(type.name);
  return names;
}

convert::FileType require_type(const std::string& name) {
  const auto type = convert::file_type_from_name(name);
  if (type.has_value()) return *type;
  const std::vector<std::string> names = type_names();
  fail(ErrorKind::kInvalidArgument, "unknown type {}{} The types are: {}", name, suggestion(name, names),
       fmt::join(names, ", "));
}

double mebibytes(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

}  // namespace

int run_quantize(const Invocation& call) {
  CommandLine line(
      call,
      "Writes a model with other tensor types, as GGUF. The types that end in _S, _M and _L are mixes, with "
      "more bits for the tensors that need them most.");
  Flags flags;
  line.add("IN", flags.in, "FILE", "the model, GGUF or GGJT v3 (.bin)").required();
  line.add("OUT", flags.out, "FILE", "the file to write, another than IN").required();
  line.add("TYPE", flags.type, "NAME", fmt::format("one of\n{}", fmt::join(type_names(), ", "))).required();
  line.add("-t,--threads", flags.threads, "N", kThreadsHelp);
  add_legacy_flags(line, flags.hints);
  if (!line.parse()) return kExitSuccess;

  const convert::FileType type = require_type(flags.type);
  const auto in = io::ModelFile::open(flags.in, flags.hints);
  ThreadPool pool(flags.threads > 0 ? flags.threads : platform::default_threads());
  const platform::InterruptGuard interrupt;
  const auto on_tensor = [&](const convert::QuantizeStep& step) {
    if (interrupt.requested()) fail(ErrorKind::kInterrupted, "stopped; {} has not been written", flags.out.string());
    log(line.log(), LogLevel::kInfo,
        fmt::format("[{:4}/{:4}] {:40} {:>6} -> {:6} [{}]", step.index + 1, step.count, io::printable(step.tensor.name),
                    quant::name(step.tensor.type), quant::name(step.type), fmt::join(step.tensor.shape, ", ")));
  };
  const convert::QuantizeReport report = convert::quantize_model(*in, flags.out, type, pool, on_tensor);
  log(line.log(), LogLevel::kInfo,
      fmt::format("{}: {:.1f} MiB of weights became {:.1f} MiB, {:.2f} bits a weight", flags.out.string(),
                  mebibytes(report.bytes_before), mebibytes(report.bytes_after),
                  8.0 * static_cast<double>(report.bytes_after) / static_cast<double>(report.elements)));
  return kExitSuccess;
}

}  // namespace patina::apps
