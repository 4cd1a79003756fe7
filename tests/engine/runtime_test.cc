#include "engine/runtime.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>

#include "engine/best_logits.h"
#include "engine/scarce_memory.h"
#include "engine/tiny_model.h"

namespace patina::engine {
namespace {

using io::expect_error;
using testing::HasSubstr;

std::string log_of(const RuntimeOptions& options) {
  std::string lines;
  Runtime::open(options, [&](LogLevel, std::string_view line) { lines += std::string(line) + "\n"; });
  return lines;
}

TEST(Runtime, SaysWhatThereIs) {
  const TinyModel model({.eos_instead_of = 0, .chat_template = "<|im_start|>"});
  const std::string log = log_of(model.options);
  EXPECT_THAT(log, HasSubstr("model: tiny (llama, 2 layers"));
  EXPECT_THAT(log, HasSubstr("threads: 2"));
  EXPECT_THAT(log, HasSubstr("context: 1024"));
  EXPECT_THAT(log, HasSubstr("chat template: chatml"));
  EXPECT_THAT(log, testing::Not(HasSubstr("wrapped")));
  EXPECT_EQ(model.open()->model_name(), "tiny");
}

TEST(Runtime, AdaptersActWithTheirScaleAndBringTheirTemplate) {
  TinyModel model;
  const std::string plain = answer(*model.open(), "hello", greedy(20)).text;
  const std::filesystem::path path = write_adapter(model, "instruction");
  model.options.adapters = {{path, 0.0F}};
  EXPECT_EQ(answer(*model.open(), "hello", greedy(20)).text, plain);
  model.options.adapters = {{path, 1.0F}};
  const std::string adapted = answer(*model.open(), "hello", greedy(20)).text;
  EXPECT_NE(adapted, plain);
  model.options.adapters = {{path, 0.75F}, {path, 0.25F}};
  EXPECT_EQ(answer(*model.open(), "hello", greedy(20)).text, adapted);
  EXPECT_EQ(model.open()->prompt_rules().question, tokenizer::ChatFormat::kInstruction);
  const std::string log = log_of(model.options);
  EXPECT_THAT(log, HasSubstr("prompts are wrapped in the instruction template of the adapter; --raw turns it off"));
  EXPECT_THAT(log, HasSubstr("scale 0.75"));
}

TEST(Runtime, ConflictingTemplatesNeedAChoice) {
  TinyModel model;
  model.options.adapters = {{write_adapter(model, "instruction"), 1.0F}, {write_adapter(model, "chatml"), 1.0F}};
  expect_error([&] { model.open(); }, ErrorKind::kIncompatible, "--template");
  model.options.prompt_template = "instruction";
  EXPECT_EQ(model.open()->prompt_rules().question, tokenizer::ChatFormat::kInstruction);
}

TEST(Runtime, AnAdapterIsNoModelAndAModelNoAdapter) {
  TinyModel model;
  const std::filesystem::path adapter = write_adapter(model, "");
  RuntimeOptions swapped = model.options;
  swapped.model = adapter;
  expect_error([&] { Runtime::open(swapped); }, ErrorKind::kInvalidArgument, "is an adapter, not a model");
  model.options.adapters = {{model.options.model, 1.0F}};
  expect_error([&] { model.open(); }, ErrorKind::kInvalidArgument, "is a model, not an adapter");
}

TEST(Runtime, TheContextIsTheModelsUnlessSaidOtherwise) {
  TinyModel model;
  EXPECT_EQ(model.open()->context_length(), TinyModelWriter::kContext);
  model.options.context = 4000;
  EXPECT_THAT(log_of(model.options), HasSubstr("longer than the 1024"));
  EXPECT_EQ(model.open()->context_length(), 4000);
  model.options.context = -1;
  expect_error([&] { model.open(); }, ErrorKind::kInvalidArgument, "context");
  model.options.context = 16777217;  // 2^24 + 1, the first whole number that f32 does not have
  expect_error([&] { model.open(); }, ErrorKind::kInvalidArgument, "16777216 at most");
  model.options.context = 16777216;
  EXPECT_EQ(model.open()->context_length(), 16777216);
}

TEST(Runtime, AnswersAreTheSameWhenPackedLater) {
  TinyModel model;
  const auto at_once = model.open();
  model.options.packing = model::Packing::kLater;
  const auto later = model.open();
  EXPECT_NE(at_once->model().output_matrix().data(), nullptr);
  EXPECT_EQ(later->model().output_matrix().data(), nullptr);
  EXPECT_EQ(later->model().weight_bytes(), at_once->model().weight_bytes());
  EXPECT_EQ(later->model().fingerprint(), at_once->model().fingerprint());
  Generator generator(*later);
  const std::vector<TokenId> prompt = later->tokenizer().encode("a prompt of more tokens than eight");
  const std::string first = answer(generator, prompt, greedy(1)).text;
  EXPECT_EQ(later->model().output_matrix().data(), nullptr) << "one token needs one pass";
  Generator again(*later);
  const std::string text = answer(again, prompt, greedy(20)).text;
  EXPECT_NE(later->model().output_matrix().data(), nullptr);
  EXPECT_TRUE(text.starts_with(first));
  EXPECT_EQ(text, answer(*at_once, "a prompt of more tokens than eight", greedy(20)).text);
}

TEST(Runtime, AVocabularyBeyondTheEmbeddingsIsRefused) {
  const TinyModel model({.eos_instead_of = 0, .chat_template = {}, .extra_tokens = 1});
  expect_error([&] { model.open(); }, ErrorKind::kInvalidData, "286 tokens, its embeddings 285");
}

std::string text_of(const std::string& file) {
  std::ifstream stream(PATINA_SOURCE_DIR + file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// The decisive logits of `hidden`, eight rows, are the model's own, and its largest; those of rows without a token do
// not count.
void expect_decisive(const Runtime& runtime, ops::Context& context, const ops::Tensor& hidden) {
  const std::vector<int64_t> counts = {1, 40, 1, 40, 1, 100, 40, 1};
  const ops::Tensor found = runtime.logits(context, hidden, counts, runtime.attachment());
  const ops::Tensor all = runtime.model().logits(context, hidden, runtime.attachment());
  const auto tokens = static_cast<size_t>(runtime.tokenizer().size());
  for (size_t t = 0; t < counts.size(); ++t) {
    const auto values = [&](const ops::Tensor& x) {
      return x.rows_view(static_cast<int64_t>(t), 1).values().first(tokens);
    };
    const auto count = static_cast<size_t>(counts[t]);
    ASSERT_EQ(best_logits(values(found), count), best_logits(values(all), count)) << "row " << t;
  }
}

void expect_decisive_of_letters(const Runtime& runtime) {
  tensor::BufferPool buffers;
  ops::Context context = runtime.make_context(buffers);
  const std::vector<TokenId> tokens = runtime.tokenizer().encode("abcdefgh", {.add_special = false});
  const model::SequencePart part{tokens};
  const std::vector<int32_t> rows = {0, 1, 2, 3, 4, 5, 6, 7};
  expect_decisive(runtime, context, runtime.model().hidden(context, {&part, 1}, rows, runtime.attachment()));
}

TEST(Runtime, RowsWithoutATokenTakeNoPlaceOfOne) {
  const TinyModel model({.eos_instead_of = 0, .chat_template = {}, .more_tokens = 20'000, .spare_rows = 150});
  const auto runtime = model.open();
  ASSERT_LT(runtime->read_bytes(1), runtime->model().weight_bytes()) << "its vocabulary is not large";
  expect_decisive_of_letters(*runtime);
}

// The copy of the vocabulary matrix takes 800 KiB.
TEST(Runtime, WithoutMemoryForTheShortcutAllLogitsAreComputed) {
#ifdef PATINA_SANITIZED
  GTEST_SKIP() << "sanitizers take memory of their own";
#endif
  const TinyModel model({.eos_instead_of = 0, .chat_template = {}, .more_tokens = 20'000});
  const auto runtime = model.open();
  ASSERT_LT(runtime->read_bytes(1), runtime->model().weight_bytes()) << "its vocabulary is not large";
  tensor::BufferPool buffers;
  ops::Context context = runtime->make_context(buffers);
  const std::vector<TokenId> tokens = {260};
  const model::SequencePart part{tokens};
  const std::vector<int32_t> rows = {0};
  const std::vector<int64_t> decisive = {1};
  const ops::Tensor hidden = runtime->model().hidden(context, {&part, 1}, rows, {});
  const ops::Tensor all = runtime->model().logits(context, hidden, {});
  const auto expect_all = [&] {
    const ops::Tensor found = runtime->logits(context, hidden, decisive, {});
    EXPECT_TRUE(std::ranges::equal(found.values(), all.values()));
  };
  {
    const ScarceMemory scarce(size_t{512} << 10);
    EXPECT_NO_THROW(expect_all());
  }
  expect_all();
}

// Adapters of other matrices leave the shortcut to the largest logits as it is; one of the output takes it away.
TEST(Runtime, DecisiveLogitsAreThoseOfAnAdaptersOutput) {
  TinyModel model({.eos_instead_of = 0, .chat_template = {}, .more_tokens = 20'000});
  for (const std::string targets : {"all,token_embd", "output"}) {
    model.options.adapters = {{write_adapter(model, "", targets), 1.0F}};
    const auto runtime = model.open();
    EXPECT_EQ(runtime->read_bytes(1) < runtime->model().weight_bytes(), targets != "output");
    expect_decisive_of_letters(*runtime);
    model.options.adapters.clear();
  }
}

TEST(Runtime, DecisiveLogitsOfARealModelAreItsOwn) {
  const char* file = std::getenv("PATINA_E2E_MODEL");
  if (file == nullptr) GTEST_SKIP() << "PATINA_E2E_MODEL is not set; make test-gemma sets it";
  RuntimeOptions options;
  options.model = file;
  const auto runtime = Runtime::open(options);
  ASSERT_LT(runtime->read_bytes(1), runtime->model().weight_bytes()) << "its vocabulary is not large";
  tensor::BufferPool buffers;
  ops::Context context = runtime->make_context(buffers);
  for (const char* text : {"/data/sample-en.txt", "/README.zh-CN.md"}) {
    std::vector<TokenId> tokens = runtime->tokenizer().encode(text_of(text));
    tokens.resize(std::min<size_t>(tokens.size(), 512));
    const model::SequencePart part{tokens};
    std::vector<int32_t> rows(tokens.size() / ops::kFewRows * ops::kFewRows);
    std::iota(rows.begin(), rows.end(), 0);
    const ops::Tensor hidden = runtime->model().hidden(context, {&part, 1}, rows, {});
    for (int64_t row = 0; row < hidden.rows(); row += ops::kFewRows) {
      SCOPED_TRACE(fmt::format("{} from row {} on", text, row));
      expect_decisive(*runtime, context, hidden.rows_view(row, ops::kFewRows));
    }
  }
}

}  // namespace
}  // namespace patina::engine
