#include "apps/bench_tests.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <random>
#include <span>

#include "apps/direct_pass.h"
#include "apps/training_step.h"
#include "base/error.h"
#include "platform/memory.h"
#include "sampling/sampler.h"

namespace patina::apps {

namespace {

void stop_if_asked(const platform::InterruptGuard& interrupt) {
  if (interrupt.requested()) fail(ErrorKind::kInterrupted, "stopped");
}

// Any tokens do: how fast a model is hardly depends on them.
std::vector<int32_t> random_tokens(const engine::Runtime& runtime, int64_t count) {
  std::mt19937_64 random(1);
  const auto vocabulary = static_cast<uint64_t>(runtime.model().hyper().vocab_size);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t& token : tokens) token = static_cast<int32_t>(random() % vocabulary);
  return tokens;
}

// Reading and writing, again and again from the same depth on.
class Answering {
 public:
  Answering(const engine::Runtime& runtime, const BenchTest& test, const platform::InterruptGuard& interrupt)
      : test_(test),
        interrupt_(interrupt),
        pass_(runtime, test.depth + test.prompt + test.generate, test.sequences),
        text_(random_tokens(runtime, std::max(test.depth, test.prompt))),
        first_(runtime.tokenizer().bos() == tokenizer::kNoToken ? 0 : runtime.tokenizer().bos()) {
    for (int64_t i = 0; i < test.sequences; ++i) read(test.depth, i, false);
  }

  void run() {
    pass_.rewind(test_.depth);
    read(test_.prompt, 0, true);
    std::vector<int32_t> last(static_cast<size_t>(test_.sequences), first_);
    std::vector<sampling::Sampler> samplers(last.size(), sampling::Sampler(sampling::SamplingParams{}));
    for (int64_t i = 0; i < test_.generate; ++i) {
      stop_if_asked(interrupt_);
      const tensor::Tensor logits = pass_.decisive_logits(pass_.hidden_of_all(last));
      for (size_t s = 0; s < last.size(); ++s) {
        last[s] = samplers[s].sample(logits.rows_view(static_cast<int64_t>(s), 1).values());
      }
    }
  }

 private:
  void read(int64_t tokens, int64_t sequence, bool with_logits) {
    std::span<const int32_t> rest = std::span(text_).first(static_cast<size_t>(tokens));
    while (!rest.empty()) {
      stop_if_asked(interrupt_);
      const size_t count = std::min(rest.size(), static_cast<size_t>(kPassTokens));
      const auto last = static_cast<int32_t>(count - 1);
      const size_t wanted = with_logits ? 1 : 0;
      const tensor::Tensor hidden = pass_.hidden(rest.first(count), {&last, wanted}, sequence);
      if (with_logits) pass_.logits(hidden);
      rest = rest.subspan(count);
    }
  }

  BenchTest test_;
  const platform::InterruptGuard& interrupt_;
  DirectPass pass_;
  std::vector<int32_t> text_;
  int32_t first_;  // of each answer
};

std::function<void()> body_of(const engine::Runtime& runtime, const BenchTest& test,
                              const platform::InterruptGuard& interrupt) {
  if (test.train > 0) {
    const auto step = std::make_shared<TrainingStep>(runtime, random_tokens(runtime, test.train + 1));
    return [step] { step->run(); };
  }
  const auto answering = std::make_shared<Answering>(runtime, test, interrupt);
  return [answering] { answering->run(); };
}

}  // namespace

BenchResult run_bench_test(const engine::Runtime& runtime, const BenchTest& test, int repetitions,
                           const platform::InterruptGuard& interrupt) {
  using Clock = std::chrono::steady_clock;
  BenchResult result{.test = test,
                     .model = runtime.model_name(),
                     .architecture = runtime.model().hyper().architecture,
                     .instruction_set = std::string(runtime.kernels().name),
                     .weight_bytes = runtime.model().weight_bytes(),
                     .cache_types = runtime.cache_types(),
                     .precise = runtime.precise(),
                     .threads = runtime.pool().size(),
                     .rates = {},
                     .peak_memory = 0,
                     .work = work_of(runtime, test)};
  const std::function<void()> body = body_of(runtime, test, interrupt);
  for (int i = -1; i < repetitions; ++i) {
    stop_if_asked(interrupt);
    const Clock::time_point start = Clock::now();
    body();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (i >= 0) result.rates.push_back(static_cast<double>(test.tokens()) / seconds);
  }
  result.peak_memory = platform::peak_resident_memory();
  return result;
}

double BenchResult::mean() const {
  return std::accumulate(rates.begin(), rates.end(), 0.0) / static_cast<double>(rates.size());
}

double BenchResult::deviation() const {
  if (rates.size() < 2) return 0;
  const double middle = mean();
  double sum = 0;
  for (const double rate : rates) sum += (rate - middle) * (rate - middle);
  return std::sqrt(sum / static_cast<double>(rates.size() - 1));
}

}  // namespace patina::apps
