#include "engine/generator.h"

#include "engine/tiny_model.h"
#include "sampling/sampler.h"

namespace patina::engine {
namespace {

using io::expect_error;

// The answer by the definition: the whole text through the model again for each token, without a cache.
std::string reference_answer(const Runtime& runtime, std::string_view prompt, int count) {
  tensor::BufferPool buffers;
  ops::Context context = runtime.make_context(buffers);
  std::vector<TokenId> tokens = runtime.tokenizer().encode(prompt);
  std::string text;
  for (int i = 0; i < count; ++i) {
    const model::SequencePart part{tokens};
    const std::vector<int32_t> last = {static_cast<int32_t>(tokens.size()) - 1};
    const ops::Tensor hidden = runtime.model().hidden(context, {&part, 1}, last, runtime.attachment());
    tokens.push_back(sampling::argmax(runtime.model().logits(context, hidden, runtime.attachment()).values()));
    text += runtime.tokenizer().piece(tokens.back());
  }
  return text;
}

TEST(Generator, GreedyAnswersAreTheMostLikelyTokens) {
  const TinyModel model;
  const auto runtime = model.open();
  for (const char* prompt : {"a", "hello", "the quick brown fox"}) {
    const Answered result = answer(*runtime, prompt, greedy(40));
    EXPECT_EQ(result.text, reference_answer(*runtime, prompt, 40)) << prompt;
    EXPECT_EQ(result.generation.reason, StopReason::kLength);
    EXPECT_EQ(result.generation.generated_tokens, 40);
    EXPECT_EQ(result.generation.cached_tokens, 0);
  }
}

// A prompt longer than what is read in one pass.
TEST(Generator, LongPromptsAreReadInPieces) {
  const TinyModel model;
  const auto runtime = model.open();
  std::string prompt;
  for (int i = 0; i < 700; ++i) prompt += static_cast<char>('a' + i * i % 26);
  EXPECT_EQ(answer(*runtime, prompt, greedy(5)).text, reference_answer(*runtime, prompt, 5));
}

TEST(Generator, SameSeedSameText) {
  const TinyModel model;
  const auto runtime = model.open();
  GenerationParams params = greedy(30);
  params.sampling.temperature = 2.0F;
  params.sampling.seed = 5;
  const std::string text = answer(*runtime, "abc", params).text;
  EXPECT_EQ(answer(*runtime, "abc", params).text, text);
  params.sampling.seed = 6;
  EXPECT_NE(answer(*runtime, "abc", params).text, text);
}

TEST(Generator, StopsAtTextsThatComeInPieces) {
  const TinyModel model;
  const auto runtime = model.open();
  const std::string whole = answer(*runtime, "hello", greedy(30)).text;
  GenerationParams params = greedy(30);
  params.stops = {"never!", whole.substr(10, 3)};
  const size_t at = whole.find(params.stops[1]);
  const Answered result = answer(*runtime, "hello", params);
  EXPECT_EQ(result.text, whole.substr(0, at));
  EXPECT_EQ(result.generation.reason, StopReason::kStopText);
  EXPECT_EQ(result.generation.stop_text, params.stops[1]);
}

// What was held back as a possible stop text is handed out at the end.
TEST(Generator, NothingOfTheAnswerIsLost) {
  const TinyModel model;
  const auto runtime = model.open();
  const std::string whole = answer(*runtime, "hello", greedy(12)).text;
  GenerationParams params = greedy(12);
  params.stops = {whole.substr(9) + "!"};
  EXPECT_EQ(answer(*runtime, "hello", params).text, whole);
}

TEST(Generator, EndsAtEndOfTextUnlessThatIsIgnored) {
  const TinyModel plain;
  const std::string whole = answer(*plain.open(), "hello", greedy(30)).text;
  const char letter = whole[7];
  const TinyModel ending({.eos_instead_of = letter, .chat_template = {}});
  const auto runtime = ending.open();
  GenerationParams params = greedy(30);
  const Answered result = answer(*runtime, "hello", params);
  EXPECT_EQ(result.generation.reason, StopReason::kEndOfText);
  EXPECT_EQ(result.text, whole.substr(0, whole.find(letter)));
  EXPECT_EQ(result.generation.generated_tokens, static_cast<int64_t>(result.text.size()));
  params.ignore_eos = true;
  EXPECT_EQ(answer(*runtime, "hello", params).text, whole);
}

TEST(Generator, AFullContextEndsTheAnswer) {
  TinyModel model;
  model.options.context = 16;
  const auto runtime = model.open();
  EXPECT_EQ(runtime->context_length(), 16);
  const Answered result = answer(*runtime, "abcdefgh", greedy(-1));  // 9 tokens with BOS
  EXPECT_EQ(result.generation.reason, StopReason::kContextFull);
  EXPECT_EQ(result.generation.generated_tokens, 16 - 9 + 1);
  EXPECT_EQ(result.text, reference_answer(*runtime, "abcdefgh", 8));
}

TEST(Generator, ZeroTokensOnlyReadThePrompt) {
  const TinyModel model;
  const auto runtime = model.open();
  Generator generator(*runtime);
  const std::vector<TokenId> prompt = runtime->tokenizer().encode("abcdef");
  EXPECT_EQ(generator.generate(prompt, greedy(0)).reason, StopReason::kLength);
  EXPECT_EQ(generator.generate(prompt, greedy(1)).cached_tokens, static_cast<int64_t>(prompt.size()) - 1);
}

TEST(Generator, CancellingEndsTheAnswer) {
  const TinyModel model;
  const auto runtime = model.open();
  Generator generator(*runtime);
  const std::vector<TokenId> prompt = runtime->tokenizer().encode("hello");
  int tokens = 0;
  const Generation generation =
      generator.generate(prompt, greedy(-1), [&](std::string_view) { ++tokens; }, [&] { return tokens == 3; });
  EXPECT_EQ(generation.reason, StopReason::kCancelled);
  EXPECT_EQ(generation.generated_tokens, 3);
}

TEST(Generator, ContinuingAChatEqualsStartingOver) {
  const TinyModel model;
  const auto runtime = model.open();
  Generator generator(*runtime);
  const std::string first = answer(generator, runtime->tokenizer().encode("hello"), greedy(20)).text;
  for (const std::string& second :
       {"hello" + first + "more", "hello" + first.substr(0, 5) + "zz", std::string("help"), "help" + first}) {
    const std::vector<TokenId> prompt = runtime->tokenizer().encode(second);
    const Answered continued = answer(generator, prompt, greedy(20));
    EXPECT_GT(continued.generation.cached_tokens, 3) << second;
    EXPECT_LT(continued.generation.cached_tokens, static_cast<int64_t>(prompt.size()));
    EXPECT_EQ(continued.text, answer(*runtime, second, greedy(20)).text) << second;
  }
}

TEST(Generator, PromptsThatCannotBeAnsweredAreRefused) {
  TinyModel model;
  model.options.context = 8;
  const auto runtime = model.open();
  Generator generator(*runtime);
  const auto refuse = [&](const std::vector<TokenId>& prompt, const std::string& part) {
    expect_error([&] { generator.generate(prompt, greedy(1)); }, ErrorKind::kInvalidArgument, part);
  };
  refuse({}, "empty");
  refuse(std::vector<TokenId>(8, 260), "8 tokens, which leaves no room for an answer in the context of 8");
  refuse({1, 100000}, "100000");
  refuse({-1}, "-1");
  GenerationParams bad = greedy(1);
  bad.sampling.repeat_penalty = -1.0F;
  expect_error([&] { generator.generate(std::vector<TokenId>{1}, bad); }, ErrorKind::kInvalidArgument, "penalty");
  EXPECT_EQ(generator.generate(std::vector<TokenId>(7, 260), greedy(1)).reason, StopReason::kLength);
}

}  // namespace
}  // namespace patina::engine
