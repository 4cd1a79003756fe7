#include "engine/forward.h"

#include <algorithm>

#include "engine/best_logits.h"
#include "engine/embedded_model.h"
#include "engine/tiny_model.h"
#include "sampling/sampler.h"

namespace patina::engine {
namespace {

using io::expect_error;

// Of each token of an answer, the logits that decided it, the largest first, and what was chosen.
struct Step {
  std::vector<std::pair<float, TokenId>> logits;
  TokenId chosen;
  bool operator==(const Step& other) const = default;
};

// The steps of an answer to a prompt of two passes.
std::vector<Step> steps_of_an_answer(const Runtime& runtime, const GenerationParams& params) {
  tensor::BufferPool buffers;
  ops::Context context = runtime.make_context(buffers);
  model::KvCache cache(runtime.model().hyper(), runtime.context_length());
  Sequence sequence(runtime.tokenizer(), cache, runtime.context_length());
  std::vector<TokenId> prompt(530);
  for (int i = 0; i < 530; ++i) prompt[i] = TinyModelWriter::kFirstLetter + i * i % TinyModelWriter::kLetters;
  sequence.begin(prompt, params, {});
  std::vector<Step> steps;
  while (!sequence.done()) {
    const auto pending = static_cast<int64_t>(sequence.pending().size());
    const Reading reading{&sequence, std::min<int64_t>(pending, kPromptChunk)};
    const auto decisive = static_cast<size_t>(sequence.decisive_logits().front());
    const ForwardResult result = forward(runtime, context, {&reading, 1});
    const auto logits = result.logits(0);
    if (!logits) continue;
    const auto known = logits->first(static_cast<size_t>(runtime.tokenizer().size()));
    const std::vector<std::pair<float, TokenId>> best = best_logits(known, decisive == 0 ? known.size() : decisive);
    sequence.take_logits(*logits);
    steps.push_back({best, sequence.done() ? 0 : sequence.pending().back()});
  }
  return steps;
}

void expect_same_steps_by_any_threads(RuntimeOptions options, const GenerationParams& params) {
  options.threads = 1;
  const std::vector<Step> expected = steps_of_an_answer(*Runtime::open(options), params);
  ASSERT_EQ(expected.size(), static_cast<size_t>(params.max_tokens));
  for (const int threads : {2, 3, 8}) {
    options.threads = threads;
    EXPECT_TRUE(steps_of_an_answer(*Runtime::open(options), params) == expected) << threads << " threads";
  }
}

TEST(Forward, TheNumberOfThreadsDoesNotChangeABit) {
  TinyModel model;
  const std::filesystem::path adapter = write_adapter(model, "instruction");
  expect_same_steps_by_any_threads(model.options, greedy(6));
  model.options.adapters = {{adapter, 0.5F}};
  expect_same_steps_by_any_threads(model.options, greedy(6));
}

TEST(Forward, TheNumberOfThreadsDoesNotChangeABitOfQuantizedProducts) {
  RuntimeOptions options = embedded_model();
  options.context = 1024;
  GenerationParams params = greedy(6);
  params.ignore_eos = true;
  expect_same_steps_by_any_threads(options, params);
  options.precise = true;
  expect_same_steps_by_any_threads(options, params);
}

TEST(Forward, TheNumberOfThreadsDoesNotChangeWhatIsSoughtInALargeVocabulary) {
  const TinyModel model({.eos_instead_of = 0, .chat_template = {}, .more_tokens = 20'000});
  const auto runtime = model.open();
  ASSERT_LT(runtime->read_bytes(1), runtime->model().weight_bytes()) << "its vocabulary is not large";
  expect_same_steps_by_any_threads(model.options, greedy(20));
  GenerationParams sampled = greedy(20);
  sampled.sampling.temperature = 1.5F;
  sampled.sampling.seed = 3;
  expect_same_steps_by_any_threads(model.options, sampled);
}

TEST(Forward, AFailedPassLeavesTheCachesAsTheyWere) {
  const TinyModel model;
  const auto runtime = model.open();
  tensor::BufferPool buffers;
  ops::Context context = runtime->make_context(buffers);
  model::KvCache cache(runtime->model().hyper(), ops::kKvBlockTokens);
  Sequence good(runtime->tokenizer(), cache, runtime->context_length());
  Sequence large(runtime->tokenizer(), cache, runtime->context_length());
  good.begin(std::vector<TokenId>(10, 260), greedy(5), {});
  static_cast<void>(forward(*runtime, context, std::vector<Reading>{{&good, 6}}));
  large.begin(std::vector<TokenId>(70, 260), greedy(5), {});
  const std::vector<Reading> readings = {{&good, 4}, {&large, 70}};
  expect_error([&] { forward(*runtime, context, readings); }, ErrorKind::kOutOfMemory, "cache");
  EXPECT_EQ(good.cache().length(), 6);
  EXPECT_EQ(large.cache().length(), 0);
  EXPECT_EQ(good.pending().size(), 4U);
}

}  // namespace
}  // namespace patina::engine
