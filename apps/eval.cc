#include <fmt/format.h>

#include <cmath>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/flags_data.h"
#include "apps/flags_runtime.h"
#include "apps/row_loss.h"

namespace patina::apps {

namespace {

struct Flags {
  RuntimeFlags runtime;
  DataFlags data;
};

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
  const train::LossSum sum = measure_rows(*runtime, runtime->attachment(), *data, line.log());
  fmt::print("loss = {:.6f}\nperplexity = {:.4f}\ntokens = {}\nrows = {}\n", sum.mean(), std::exp(sum.mean()),
             sum.tokens, sum.examples);
  const train::PreferenceSum& preference = sum.preference;
  if (preference.pairs > 0) {
    fmt::print("margin = {:.6f}\npreferred = {} of {}\n", preference.mean_margin(), preference.preferred,
               preference.pairs);
  }
  return kExitSuccess;
}

}  // namespace patina::apps
