#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/direct_pass.h"
#include "apps/flags_runtime.h"
#include "apps/training_step.h"
#include "base/error.h"
#include "platform/memory.h"
#include "platform/signals.h"

namespace patina::apps {

namespace {

struct Flags {
  RuntimeFlags runtime;
  int64_t prompt = 512;
  int64_t generate = 64;
  int64_t train = 0;
  int repetitions = 5;
  std::string output = "md";
};

struct Result {
  std::string test;
  std::vector<double> rates;  // tokens/s of each repetition
  uint64_t peak_memory = 0;   // bytes of the process, at most so far

  double mean() const {
    double sum = 0;
    for (const double rate : rates) sum += rate;
    return sum / static_cast<double>(rates.size());
  }
  double deviation() const {
    if (rates.size() < 2) return 0;
    double sum = 0;
    for (const double rate : rates) sum += (rate - mean()) * (rate - mean());
    return std::sqrt(sum / static_cast<double>(rates.size() - 1));
  }
};

// Any tokens do: how fast a model is hardly depends on them.
std::vector<int32_t> random_tokens(const engine::Runtime& runtime, int64_t count) {
  std::mt19937_64 random(1);
  const auto vocabulary = static_cast<uint64_t>(runtime.model().hyper().vocab_size);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t& token : tokens) token = static_cast<int32_t>(random() % vocabulary);
  return tokens;
}

// Reads the tokens in passes of `step`, each with the logits that follow it.
void read(DirectPass& pass, std::span<const int32_t> tokens, int64_t step) {
  pass.clear();
  while (!tokens.empty()) {
    const size_t count = std::min(tokens.size(), static_cast<size_t>(step));
    const auto last = static_cast<int32_t>(count - 1);
    pass.logits(pass.hidden(tokens.first(count), {&last, 1}));
    tokens = tokens.subspan(count);
  }
}

// Runs `body`, which handles `tokens` tokens, once to warm up and then `repetitions` times.
Result measure(const std::string& test, int64_t tokens, int repetitions, const platform::InterruptGuard& interrupt,
               const std::function<void()>& body) {
  using Clock = std::chrono::steady_clock;
  Result result{.test = test, .rates = {}, .peak_memory = 0};
  for (int i = -1; i < repetitions; ++i) {
    if (interrupt.requested()) fail(ErrorKind::kInterrupted, "stopped");
    const Clock::time_point start = Clock::now();
    body();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (i >= 0) result.rates.push_back(static_cast<double>(tokens) / seconds);
  }
  result.peak_memory = platform::peak_resident_memory();
  return result;
}

Result measure_reading(const engine::Runtime& runtime, const std::string& kind, int64_t tokens, int64_t step,
                       const Flags& flags, const platform::InterruptGuard& interrupt) {
  const std::vector<int32_t> text = random_tokens(runtime, tokens);
  DirectPass pass(runtime, tokens);
  return measure(kind + std::to_string(tokens), tokens, flags.repetitions, interrupt, [&] { read(pass, text, step); });
}

Result measure_training(const engine::Runtime& runtime, const Flags& flags, const platform::InterruptGuard& interrupt) {
  TrainingStep step(runtime, random_tokens(runtime, flags.train + 1));
  return measure("train" + std::to_string(flags.train), flags.train, flags.repetitions, interrupt, [&] { step.run(); });
}

std::vector<Result> run_tests(const engine::Runtime& runtime, const Flags& flags) {
  const platform::InterruptGuard interrupt;
  std::vector<Result> results;
  if (flags.prompt > 0) results.push_back(measure_reading(runtime, "pp", flags.prompt, kPassTokens, flags, interrupt));
  if (flags.generate > 0) results.push_back(measure_reading(runtime, "tg", flags.generate, 1, flags, interrupt));
  if (flags.train > 0) results.push_back(measure_training(runtime, flags, interrupt));
  return results;
}

void print_json(const std::vector<Result>& results, const engine::Runtime& runtime) {
  nlohmann::ordered_json tests = nlohmann::ordered_json::array();
  for (const Result& result : results) {
    tests.push_back({{"test", result.test},
                     {"avg_ts", result.mean()},
                     {"stddev_ts", result.deviation()},
                     {"peak_memory", result.peak_memory},
                     {"model", runtime.model_name()},
                     {"architecture", runtime.model().hyper().architecture},
                     {"weight_bytes", runtime.model().weight_bytes()},
                     {"threads", runtime.pool().size()},
                     {"instruction_set", runtime.kernels().name},
                     {"samples_ts", result.rates}});
  }
  fmt::print("{}\n", tests.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void print_table(const std::vector<Result>& results, const engine::Runtime& runtime) {
  fmt::print("| model | threads | test | tokens/s | ± | peak memory MiB |\n|---|--:|---|--:|--:|--:|\n");
  for (const Result& result : results) {
    fmt::print("| {} | {} | {} | {:.2f} | {:.2f} | {} |\n", runtime.model_name(), runtime.pool().size(), result.test,
               result.mean(), result.deviation(), result.peak_memory >> 20);
  }
}

void add_bench_flags(CommandLine& line, Flags& flags) {
  CLI::App& app = line.app();
  const auto add_count = [&](const std::string& names, auto& value, const std::string& description, int64_t least) {
    app.add_option(names, value, description)->type_name("N")->check(CLI::Range(least, int64_t{1} << 24));
  };
  add_count("-p,--n-prompt", flags.prompt, "tokens of the reading test; 0: leave it out", 0);
  add_count("-n,--n-gen", flags.generate, "tokens of the writing test; 0: leave it out", 0);
  add_count("--train", flags.train, "tokens of the training test, one optimizer step; 0: leave it out", 0);
  add_count("-r,--repetitions", flags.repetitions, "how often each test runs, after once to warm up", 1);
  app.add_option("-o,--output", flags.output, "md: a table; json: an array with an object a test")
      ->type_name("FORM")
      ->check(CLI::IsMember({"md", "json"}));
}

}  // namespace

int run_bench(const Invocation& call) {
  Flags flags;
  CommandLine line(call, "Measures how fast a model reads (pp), writes (tg) and learns.");
  add_model_flags(line, flags.runtime.model);
  add_compute_flags(line, flags.runtime.compute);
  add_adapter_flags(line, flags.runtime.adapters);
  add_bench_flags(line, flags);
  if (!line.parse()) return kExitSuccess;

  engine::RuntimeOptions options = flags.runtime.options();
  options.prompt_template = "none";
  const auto runtime = engine::Runtime::open(options, line.log());
  const std::vector<Result> results = run_tests(*runtime, flags);
  if (flags.output == "json") {
    print_json(results, *runtime);
  } else {
    print_table(results, *runtime);
  }
  return kExitSuccess;
}

}  // namespace patina::apps
