#include "engine/runtime.h"

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
}

TEST(Runtime, AVocabularyBeyondTheEmbeddingsIsRefused) {
  const TinyModel model({.eos_instead_of = 0, .chat_template = {}, .extra_tokens = 1});
  expect_error([&] { model.open(); }, ErrorKind::kInvalidData, "286 tokens, its embeddings 285");
}

}  // namespace
}  // namespace patina::engine
