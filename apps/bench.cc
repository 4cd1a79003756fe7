#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "apps/bench_output.h"
#include "apps/bench_plan.h"
#include "apps/bench_tests.h"
#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/flags_runtime.h"
#include "base/error.h"
#include "measure/machine_limits.h"
#include "platform/cores.h"
#include "platform/signals.h"

namespace patina::apps {

namespace {

// Lists are kept as they are typed until the plan is made.
struct Flags {
  RuntimeFlags runtime;
  std::string threads = "0";
  std::string prompts = "512";
  std::string generates = "64";
  std::vector<std::string> pairs;
  std::string batches;
  std::string depths = "0";
  std::string trains = "0";
  int repetitions = 5;
  std::string output = "md";
  std::filesystem::path compare;
};

// "1,2" is 1, 2. Throws kInvalidArgument, naming the flag, for anything but numbers from `least` to `most`.
std::vector<int64_t> numbers(std::string_view flag, std::string_view text, int64_t least, int64_t most) {
  std::vector<int64_t> list;
  for (std::string_view rest = text;;) {
    const std::string_view word = rest.substr(0, rest.find(','));
    int64_t number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size() || number < least || number > most) {
      const std::string range = least == INT_MIN ? "" : fmt::format(" from {} to {}", least, most);
      fail(ErrorKind::kInvalidArgument, "{} {}: give whole numbers{}, several with commas between", flag, text, range);
    }
    list.push_back(number);
    if (word.size() == rest.size()) return list;
    rest.remove_prefix(word.size() + 1);
  }
}

BenchPlan plan_of(const Flags& flags) {
  BenchPlan plan{.prompts = numbers("-p", flags.prompts, 0, engine::kMostContext),
                 .generates = numbers("-n", flags.generates, 0, engine::kMostContext),
                 .pairs = {},
                 .batches = {},
                 .depths = numbers("-d", flags.depths, 0, engine::kMostContext),
                 .trains = numbers("--train", flags.trains, 0, engine::kMostContext)};
  if (!flags.batches.empty()) plan.batches = numbers("-b", flags.batches, 1, 256);
  for (const std::string& text : flags.pairs) {
    const std::vector<int64_t> pair = numbers("-pg", text, 0, engine::kMostContext);
    if (pair.size() != 2) fail(ErrorKind::kInvalidArgument, "-pg {}: give two numbers, as in -pg 512,64", text);
    plan.pairs.push_back({.prompt = pair[0], .generate = pair[1]});
  }
  return plan;
}

void add_bench_flags(CommandLine& line, Flags& flags) {
  const auto add_list = [&](const std::string& names, std::string& value, const std::string& description) {
    line.add(names, value, "N,...", description);
  };
  add_list("-t,--threads", flags.threads, kThreadsHelp);
  add_precise_flag(line, flags.runtime.compute.precise);
  add_cache_type_flags(line, flags.runtime.context);
  add_list("-p,--n-prompt", flags.prompts, "pp: tokens to read; 0: leave it out");
  add_list("-n,--n-gen", flags.generates, "tg: tokens to write; 0: leave it out");
  line.add_repeatable("--pg", flags.pairs, "P,N", "pp+tg: read P tokens and then write N, timed together; repeatable");
  add_list("-b,--batched", flags.batches, "tgNxB: B sequences write -n tokens each at once; tokens/s of all together");
  add_list("-d,--n-depth", flags.depths, "tokens of context that are there before each test but training");
  add_list("--train", flags.trains, "train: tokens of one optimizer step; 0: leave it out");
  line.add("-r,--repetitions", flags.repetitions, "N", "how often each test runs, after once to warm up")
      .between(1, 1 << 24);
  line.add("-o,--output", flags.output, "FORM",
           "md: a table; json: an array with an object a test; csv: a line a test, names in the first")
      .one_of({"md", "json", "csv"});
  line.add("--compare", flags.compare, "FILE", "an earlier -o json: also tell each test's ratio to the same one there");
  line.add_note(
      "N,... is a number or several, each of which is tested: -t 1,2 -p 128,512.\n"
      "Each result stands beside the limit that this machine sets to it: the time to read the weights once a pass, or\n"
      "to multiply all tokens with them, at the memory bandwidth and the peaks that the same threads reach at best.");
}

// Each once, as more threads than processors are as many as there are processors.
std::vector<int> threads_of(const Flags& flags) {
  std::vector<int> threads;
  for (const int64_t count : numbers("-t", flags.threads, INT_MIN, INT_MAX)) {
    const int usable = platform::threads_to_use(static_cast<int>(count));
    if (std::ranges::find(threads, usable) == threads.end()) threads.push_back(usable);
  }
  return threads;
}

struct Measured {
  std::vector<MeasuredResult> results;
  std::exception_ptr failure;  // that ended the tests before the last one
};

// All tests with each number of threads, one runtime a number.
Measured run_tests(const Flags& flags, const std::vector<BenchTest>& tests, const LogSink& log,
                   const platform::InterruptGuard& interrupt) {
  engine::RuntimeOptions options = flags.runtime.options();
  options.prompt_template = "none";
  Measured measured;
  try {
    for (const int count : threads_of(flags)) {
      options.threads = count;
      const auto runtime = engine::Runtime::open(options, log);
      for (const BenchTest& test : tests) {
        measured.results.push_back(
            {.result = run_bench_test(*runtime, test, flags.repetitions, interrupt), .limits = {}});
      }
    }
  } catch (...) {
    if (measured.results.empty()) throw;
    measured.failure = std::current_exception();
  }
  return measured;
}

// What the machine can do is measured when the last model is gone, so that the peak of memory is the tests' own.
void add_limits(std::vector<MeasuredResult>& results) {
  std::map<int, measure::MachineLimits> limits;  // by number of threads
  for (MeasuredResult& measured : results) {
    const int count = measured.result.threads;
    if (!limits.contains(count)) {
      ThreadPool pool(count);
      limits[count] = measure::measure_limits(pool, kernels::default_kernels());
    }
    measured.limits = limits[count];
  }
}

}  // namespace

int run_bench(const Invocation& call) {
  Flags flags;
  CommandLine line(call, "Measures how fast a model reads (pp), writes (tg) and learns (train), in tokens a second.");
  add_model_flags(line, flags.runtime.model);
  add_adapter_flags(line, flags.runtime.adapters);
  add_bench_flags(line, flags);
  if (!line.parse()) return kExitSuccess;

  const nlohmann::json earlier = flags.compare.empty() ? nlohmann::json() : read_bench_json(flags.compare);
  const std::vector<BenchTest> tests = plan_of(flags).tests();
  if (tests.empty()) {
    fail(ErrorKind::kInvalidArgument, "there is nothing to measure; give -p, -n, -pg or --train more than 0 tokens");
  }
  const platform::InterruptGuard interrupt;
  Measured measured = run_tests(flags, tests, line.log(), interrupt);
  add_limits(measured.results);
  const std::string note = comparison_note(measured.results, earlier);
  if (!note.empty()) patina::log(line.log(), LogLevel::kWarning, note);
  fmt::print("{}", bench_text(bench_json(measured.results, earlier), flags.output));
  if (measured.failure != nullptr) {
    std::fflush(stdout);  // before what follows on stderr
    std::rethrow_exception(measured.failure);
  }
  return kExitSuccess;
}

}  // namespace patina::apps
