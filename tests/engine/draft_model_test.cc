#include "engine/draft_model.h"

#include <algorithm>

#include "engine/embedded_model.h"
#include "engine/tiny_model.h"

namespace patina::engine {
namespace {

TEST(DraftModel, OfTheModelItselfIsAlwaysRight) {
  RuntimeOptions options = embedded_model();
  const std::string prompt = "What is the capital of France?";
  const std::string expected = answer(*Runtime::open(options), prompt, greedy(40)).text;
  options.speculation.draft_model = options.model;
  options.speculation.least_probability = 0;
  const auto runtime = Runtime::open(options);
  Generator generator(*runtime);
  for (int i = 0; i < 2; ++i) {
    const Answered answered = answer(generator, runtime->tokenizer().encode(prompt), greedy(40));
    EXPECT_EQ(answered.text, expected);
    EXPECT_EQ(answered.generation.accepted_tokens, answered.generation.proposed_tokens);
    EXPECT_GT(answered.generation.accepted_tokens, answered.generation.generated_tokens / 2);
  }
}

TEST(DraftModel, GuessesOnlyWhatItIsSureOf) {
  TinyModel model;
  model.options.speculation.draft_model = model.options.model;
  model.options.speculation.least_probability = 1;
  EXPECT_EQ(answer(*model.open(), "hello", greedy(20)).generation.proposed_tokens, 0);
  model.options.speculation.least_probability = 0;
  model.options.speculation.least = 8;  // more than are guessed at once
  EXPECT_EQ(answer(*model.open(), "hello", greedy(20)).generation.proposed_tokens, 0);
  model.options.speculation.least = 2;
  const Generation guessed = answer(*model.open(), "hello", greedy(20)).generation;
  EXPECT_GT(guessed.proposed_tokens, 0);
  EXPECT_EQ(guessed.accepted_tokens, guessed.proposed_tokens);
}

TEST(DraftModel, OfAnotherVocabularyIsRefused) {
  TinyModel model;
  model.options.speculation.draft_model = embedded_model().model;
  io::expect_error([&] { model.open(); }, ErrorKind::kInvalidArgument, "another vocabulary");
  model.options.speculation.enabled = false;
  EXPECT_EQ(model.open()->draft(), nullptr);
}

}  // namespace
}  // namespace patina::engine
