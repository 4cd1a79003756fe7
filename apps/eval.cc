#include <fmt/format.h>

#include <cmath>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/flags_data.h"
#include "apps/flags_runtime.h"
#include "base/error.h"
#include "platform/signals.h"
#include "train/data/data_set.h"
#include "train/loss.h"

namespace patina::apps {

namespace {

constexpr size_t kPassTokens = 512;

struct Flags {
  RuntimeFlags runtime;
  DataFlags data;
};

train::LossSum measure(const engine::Runtime& runtime, const train::DataSet& data, const LogSink& log) {
  tensor::BufferPool buffers;
  ops::Context context = runtime.make_context(buffers);
  const train::LossSetting setting{runtime.model(), context, runtime.attachment()};
  const platform::InterruptGuard interrupt;
  return train::data_loss(setting, data, kPassTokens, [&](const train::LossSum& sum) {
    if (interrupt.requested()) fail(ErrorKind::kInterrupted, "stopped after {} of {} rows", sum.examples, data.size());
    patina::log(log, LogLevel::kDebug, fmt::format("[{}/{}] loss = {:.4f}", sum.examples, data.size(), sum.mean()));
    return true;
  });
}

}  // namespace

int run_eval(const Invocation& call) {
  Flags flags;
  CommandLine line(call, "Measures how well a model, with or without an adapter, answers the rows of a text.");
  add_runtime_flags(line, flags.runtime, false);
  add_data_flags(line, flags.data, "--data", "the rows");
  if (!line.parse()) return kExitSuccess;
  const auto source = flags.data.open(line.log());
  engine::RuntimeOptions options = flags.runtime.options();
  options.raw = true;  // the rows bring their template
  options.chat_template = flags.data.chat_template;
  const auto runtime = engine::Runtime::open(options, line.log());
  const auto data = flags.data.load(source, flags.data.maker(*runtime), line.log());
  const train::LossSum sum = measure(*runtime, *data, line.log());
  fmt::print("loss = {:.6f}\nperplexity = {:.4f}\ntokens = {}\nrows = {}\n", sum.mean(), std::exp(sum.mean()),
             sum.tokens, sum.examples);
  return kExitSuccess;
}

}  // namespace patina::apps
