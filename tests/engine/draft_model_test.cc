#include "engine/draft_model.h"

#include <algorithm>

#include "engine/embedded_model.h"
#include "engine/tiny_model.h"

namespace patina::engine {
namespace {

using Tokens = std::vector<TokenId>;

// A model with a draft that is mostly right, and the draft by itself.
struct Pair {
  Pair() {
    model.options.speculation.draft_model = draft.options.model;
    model.options.speculation.least_probability = 0;
    draft.options.speculation.enabled = false;
  }
  std::unique_ptr<Runtime> without_draft() const {
    RuntimeOptions options = model.options;
    options.speculation.enabled = false;
    return Runtime::open(options);
  }

  TinyModel model;
  TinyModel draft{{.eos_instead_of = 0, .chat_template = {}, .noise = 0.2F}};
};

TEST(DraftModel, ThatErrsLeavesTheTextAsItIs) {
  const Pair pair;
  const auto runtime = pair.model.open();
  const auto plain = pair.without_draft();
  GenerationParams sampled = greedy(60);
  sampled.sampling.temperature = 0.8F;
  sampled.sampling.seed = 11;
  for (const GenerationParams& params : {greedy(60), sampled}) {
    Generator guessing(*runtime);
    Generator alone(*plain);
    std::string conversation = "hello";
    for (int i = 0; i < 2; ++i) {
      const Tokens prompt = runtime->tokenizer().encode(conversation);
      const Answered answered = answer(guessing, prompt, params);
      EXPECT_EQ(answered.text, answer(alone, prompt, params).text);
      EXPECT_EQ(answered.generation.generated_tokens, 60);
      EXPECT_GT(answered.generation.accepted_tokens, 0);
      EXPECT_LT(answered.generation.accepted_tokens, answered.generation.proposed_tokens);
      conversation += answered.text + "more";
    }
  }
}

// Whatever was refused before, a guess is what the draft would write after the text from the beginning; it grows where
// the last one came true and shrinks where not.
TEST(DraftModel, GuessesOnFromWhatWasChosen) {
  const Pair pair;
  const auto runtime = pair.model.open();
  const auto plain = pair.without_draft();
  const auto draft = pair.draft.open();
  DraftModel drafter(*runtime->draft(), runtime->speculation());
  const tokenizer::Tokenizer& tokenizer = runtime->tokenizer();
  std::string conversation = "hello";
  int refused = 0;
  int came_true = 0;
  for (int i = 0; i < 2; ++i) {
    const size_t length = tokenizer.encode(conversation).size();
    conversation += answer(*plain, conversation, greedy(100)).text;
    const Tokens text = tokenizer.encode(conversation);
    size_t least = 1;
    size_t most = kMostGuesses;
    for (size_t known = length; known + kMostGuesses < text.size();) {
      const auto before = std::span(text).first(known);
      const std::span<const TokenId> guess = drafter.propose(before, kMostGuesses);
      Generator alone(*draft);
      ASSERT_EQ(tokenizer.decode({guess.begin(), guess.end()}),
                answer(alone, before, greedy(static_cast<int64_t>(guess.size()))).text);
      ASSERT_GE(guess.size(), least) << "after " << known << " tokens";
      ASSERT_LE(guess.size(), most) << "after " << known << " tokens";
      const auto right =
          static_cast<size_t>(std::ranges::mismatch(guess, std::span(text).subspan(known)).in1 - guess.begin());
      const bool all = right == guess.size();
      least = all ? std::min<size_t>(guess.size() + 1, kMostGuesses) : 1;
      most = all ? kMostGuesses : std::max<size_t>(guess.size() - 1, 1);
      known += right + 1;
      refused += all ? 0 : 1;
      came_true += all ? 1 : 0;
    }
    conversation = conversation.substr(0, 50) + "more";  // amid what was guessed
  }
  EXPECT_GT(refused, 3);
  EXPECT_GT(came_true, 3);
}

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
