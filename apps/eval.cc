#include <fmt/format.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/flags_data.h"
#include "apps/flags_runtime.h"
#include "base/error.h"
#include "platform/signals.h"
#include "train/data/batch.h"
#include "train/data/example.h"
#include "train/loss.h"

namespace patina::apps {

namespace {

constexpr size_t kPassTokens = 512;

struct Flags {
  RuntimeFlags runtime;
  DataFlags data;
};

struct Sum {
  double loss = 0;
  size_t tokens = 0;
};

Sum measure(const engine::Runtime& runtime, const std::vector<train::Example>& examples, const LogSink& log) {
  tensor::BufferPool buffers;
  ops::Context context = runtime.make_context(buffers);
  const train::LossSetting setting{runtime.model(), context, runtime.attachment()};
  std::vector<uint32_t> order(examples.size());
  std::iota(order.begin(), order.end(), 0U);
  const platform::InterruptGuard interrupt;
  Sum sum;
  const std::vector<train::Batch> batches = train::pack(examples, order, kPassTokens);
  for (size_t i = 0; i < batches.size(); ++i) {
    if (interrupt.requested()) fail(ErrorKind::kInterrupted, "stopped after {} of {} passes", i, batches.size());
    sum.loss += train::total_loss(setting, batches[i]);
    sum.tokens += batches[i].targets.size();
    patina::log(
        log, LogLevel::kDebug,
        fmt::format("[{}/{}] loss = {:.4f}", i + 1, batches.size(), sum.loss / static_cast<double>(sum.tokens)));
  }
  return sum;
}

}  // namespace

int run_eval(const Invocation& call) {
  Flags flags;
  CommandLine line(call, "Measures how well a model, with or without an adapter, answers the rows of a text.");
  add_runtime_flags(line, flags.runtime, false);
  add_data_flags(line, flags.data, "--data", "the rows");
  if (!line.parse()) return kExitSuccess;
  const train::TrainingText text = flags.data.read();
  engine::RuntimeOptions options = flags.runtime.options();
  options.raw = true;  // the rows bring their template
  const auto runtime = engine::Runtime::open(options, line.log());
  const std::vector<train::Example> examples = train::make_examples(
      runtime->tokenizer(), text, static_cast<size_t>(runtime->context_length()), flags.data.path.string());
  const Sum sum = measure(*runtime, examples, line.log());
  const double loss = sum.loss / static_cast<double>(sum.tokens);
  fmt::print("loss = {:.6f}\nperplexity = {:.4f}\ntokens = {}\nrows = {}\n", loss, std::exp(loss), sum.tokens,
             examples.size());
  return kExitSuccess;
}

}  // namespace patina::apps
