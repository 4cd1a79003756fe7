#include "engine/forward.h"

#include <algorithm>
#include <cmath>
#include <numeric>

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

// The logits after each of the tokens, which are read 5 at first and then one by one; at once where there is no cache.
std::vector<float> logits_of(const Runtime& runtime, std::span<const TokenId> tokens,
                             const std::optional<model::KvTypes>& types) {
  tensor::BufferPool buffers;
  ops::Context context = runtime.make_context(buffers);
  model::KvCache cache(runtime.model().hyper(), runtime.context_length(), types.value_or(model::KvTypes{}));
  model::KvSequence sequence(cache);
  std::vector<float> all;
  for (size_t begin = 0; begin < tokens.size();) {
    const size_t count = !types ? tokens.size() : begin == 0 ? 5 : 1;
    const model::SequencePart piece{tokens.subspan(begin, count), types ? &sequence : nullptr};
    if (types) sequence.grow(static_cast<int64_t>(count));
    std::vector<int32_t> rows(count);
    std::iota(rows.begin(), rows.end(), 0);
    const ops::Tensor hidden = runtime.model().hidden(context, {&piece, 1}, rows, {});
    const ops::Tensor logits = runtime.model().logits(context, hidden, {});
    all.insert(all.end(), logits.values().begin(), logits.values().end());
    begin += count;
  }
  return all;
}

// The root mean square of the differences, relative to that of the expected values' distances from their mean.
double distance(std::span<const float> values, std::span<const float> expected) {
  const double mean = std::accumulate(expected.begin(), expected.end(), 0.0) / static_cast<double>(expected.size());
  double error = 0;
  double spread = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(static_cast<double>(values[i]) - expected[i], 2);
    spread += std::pow(expected[i] - mean, 2);
  }
  return std::sqrt(error / spread);
}

// Against attention that keeps keys and values in f32. The largest of a block of 32 normal numbers is 2.3 deviations on
// average, so that steps of a 127th of it put each number 2.3 / 127 / sqrt(12) = 5e-3 deviations off. Both kinds, in
// each of the model's three layers, are at most 5e-3 * sqrt(2 * 3) = 1.3e-2 of what goes through all. f16 is 2e-4
// off, less than a twentieth.
TEST(Forward, ACacheOfEightBitsGivesTheLogitsWithinItsRounding) {
  RuntimeOptions options = embedded_model();
  options.precise = true;
  const auto runtime = Runtime::open(options);
  const std::vector<TokenId> tokens = runtime->tokenizer().encode(
      "The history of the city begins with a small port at the mouth of the river, which traded in salt, wool and "
      "copper. In the year 1200 it was given walls, and a hundred years later it had twelve thousand people.");
  const std::vector<float> expected = logits_of(*runtime, tokens, std::nullopt);
  using quant::DType;
  const double fine = distance(logits_of(*runtime, tokens, model::KvTypes{DType::kF16, DType::kF16}), expected);
  EXPECT_LT(fine, 1.3e-2 / 20);
  for (const model::KvTypes types :
       {model::KvTypes{DType::kQ8_0, DType::kQ8_0}, {DType::kF16, DType::kQ8_0}, {DType::kQ8_0, DType::kF16}}) {
    const double coarse = distance(logits_of(*runtime, tokens, types), expected);
    const std::string name = fmt::format("{} and {}", quant::name(types.keys), quant::name(types.values));
    EXPECT_LT(coarse, 1.3e-2) << name;
    EXPECT_GT(coarse, 3 * fine) << name << " is no more than f16";
  }
}

TEST(Forward, ACacheOfEightBitsNeedsHeadsOfWholeBlocks) {
  TinyModel model;
  for (const bool keys : {false, true}) {
    model.options.cache_types = {};
    (keys ? model.options.cache_types.keys : model.options.cache_types.values) = quant::DType::kQ8_0;
    const auto runtime = model.open();
    expect_error([&] { const Generator generator(*runtime); }, ErrorKind::kInvalidArgument,
                 "the model's heads of 16 numbers do not fit the blocks of Q8_0, which are 32; use F16");
  }
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
