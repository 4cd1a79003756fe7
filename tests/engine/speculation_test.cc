#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "engine/drafter.h"
#include "engine/embedded_model.h"
#include "engine/forward.h"
#include "engine/sequence.h"
#include "engine/tiny_model.h"

namespace patina::engine {
namespace {

using Tokens = std::vector<TokenId>;

// Proposes a text that is known beforehand, `run` tokens at a time, but for every `wrong`-th of its tokens another one.
class Script final : public Drafter {
 public:
  Script(Tokens text, size_t run, size_t wrong) : text_(std::move(text)), run_(run) {
    for (size_t i = wrong - 1; i < text_.size(); i += wrong) text_[i] = text_[i] == 260 ? 261 : 260;
  }
  std::span<const TokenId> propose(std::span<const TokenId> text, int64_t most) override {
    if (text.size() >= text_.size()) return {};
    const auto rest = std::span<const TokenId>(text_).subspan(text.size());
    return rest.first(std::min({rest.size(), run_, static_cast<size_t>(most)}));
  }

 private:
  Tokens text_;
  size_t run_;
};

constexpr size_t kNeverWrong = 1 << 20;

// One sequence with a cache of its own.
class Answering {
 public:
  explicit Answering(const Runtime& runtime)
      : runtime_(runtime),
        context_(runtime.make_context(buffers_)),
        cache_(runtime.model().hyper(), runtime.context_length()),
        sequence_(runtime.tokenizer(), cache_, runtime.context_length()) {}

  void begin(const Tokens& prompt, const GenerationParams& params) {
    text_.clear();
    passes_ = 0;
    sequence_.begin(prompt, params, [this](std::string_view piece) { text_ += piece; });
  }
  // Reads what is pending. The logits that followed.
  std::vector<float> read() {
    const Reading reading{&sequence_, static_cast<int64_t>(sequence_.pending().size())};
    const ForwardResult result = forward(runtime_, context_, {&reading, 1});
    ++passes_;
    const auto logits = result.logits(0).value_or(std::span<const float>());
    return {logits.begin(), logits.end()};
  }
  // Without a drafter, token by token.
  const Generation& run(const Tokens& prompt, const GenerationParams& params, Drafter* drafter = nullptr) {
    begin(prompt, params);
    while (!sequence_.done()) {
      if (drafter != nullptr && sequence_.answering()) sequence_.propose(*drafter, 8);
      sequence_.take_logits(read());
    }
    return sequence_.generation();
  }

  Sequence& sequence() { return sequence_; }
  const std::string& text() const { return text_; }
  int passes() const { return passes_; }

 private:
  const Runtime& runtime_;
  tensor::BufferPool buffers_;
  ops::Context context_;
  model::KvCache cache_;
  Sequence sequence_;
  std::string text_;
  int passes_ = 0;
};

// The prompt and `count` tokens of its answer without speculation.
Tokens whole_text(const Runtime& runtime, Tokens prompt, GenerationParams params, int count) {
  Answering answering(runtime);
  params.max_tokens = -1;
  answering.begin(prompt, params);
  for (int i = 0; i < count; ++i) {
    answering.sequence().take_logits(answering.read());
    prompt.push_back(answering.sequence().pending().back());
  }
  return prompt;
}

GenerationParams seeded(int64_t max_tokens) {
  GenerationParams params;
  params.sampling.temperature = 1.5F;
  params.sampling.repeat_penalty = 1.2F;
  params.sampling.seed = 11;
  params.max_tokens = max_tokens;
  return params;
}

struct Guesses {
  size_t run;
  size_t wrong;
};
constexpr std::array<Guesses, 6> kGuesses = {
    {{1, kNeverWrong}, {3, kNeverWrong}, {8, kNeverWrong}, {8, 3}, {5, 2}, {4, 1}}};

TEST(Speculation, TheTextIsTheSame) {
  const TinyModel model;
  const auto runtime = model.open();
  const Tokens prompt = runtime->tokenizer().encode("hello");
  for (const GenerationParams& params : {greedy(60), seeded(60)}) {
    const Tokens text = whole_text(*runtime, prompt, params, 60);
    Answering plain(*runtime);
    plain.run(prompt, params);
    for (const auto& [run, wrong] : kGuesses) {
      Script script(text, run, wrong);
      Answering answering(*runtime);
      const Generation& generation = answering.run(prompt, params, &script);
      EXPECT_EQ(answering.text(), plain.text()) << run << " " << wrong;
      EXPECT_EQ(generation.reason, StopReason::kLength);
      EXPECT_EQ(generation.generated_tokens, 60);
      EXPECT_EQ(answering.passes() + generation.accepted_tokens, 60);
      EXPECT_EQ(generation.accepted_tokens == generation.proposed_tokens, wrong == kNeverWrong);
      EXPECT_EQ(generation.accepted_tokens == 0, wrong == 1);
    }
  }
}

// What is read after tokens were refused, and beside guesses, is to the last bit what is read without them.
void expect_same_logits(const RuntimeOptions& options, std::string_view prompt_text) {
  const auto runtime = Runtime::open(options);
  const Tokens prompt = runtime->tokenizer().encode(prompt_text);
  GenerationParams params = greedy(-1);
  params.ignore_eos = true;
  const Tokens text = whole_text(*runtime, prompt, params, 40);
  Script script(text, text.size(), 9);
  Answering plain(*runtime);
  Answering guessing(*runtime);
  plain.begin(prompt, params);
  guessing.begin(prompt, params);
  size_t refused = 0;
  for (size_t known = prompt.size(); known < text.size() - 8;) {
    if (guessing.sequence().answering()) guessing.sequence().propose(script, runtime->speculation().most);
    const std::vector<float> logits = guessing.read();
    const auto rows = static_cast<size_t>(guessing.sequence().wanted_rows());
    guessing.sequence().take_logits(logits);
    const size_t chosen =
        prompt.size() + static_cast<size_t>(guessing.sequence().generation().generated_tokens) - known;
    for (size_t row = 0; row < chosen; ++row) {
      const std::vector<float> alone = plain.read();
      ASSERT_EQ(logits.size(), rows * alone.size());
      const auto same = std::ranges::mismatch(alone, std::span(logits).subspan(row * alone.size()));
      ASSERT_EQ(same.in1, alone.end()) << "after " << known + row << " tokens, beside " << rows - 1 << " guesses";
      plain.sequence().take_logits(alone);
    }
    ASSERT_EQ(plain.sequence().cache().length(), guessing.sequence().cache().length());
    known += chosen;
    refused += rows - chosen;
  }
  EXPECT_GT(refused, 0U);
}

TEST(Speculation, LogitsAreTheSameToTheLastBit) {
  const TinyModel model;
  RuntimeOptions options = model.options;
  options.adapters = {{write_adapter(model, "", "token_embd,output"), 1.0F}};
  expect_same_logits(options, "hello");
  options.adapters.clear();
  for (const int threads : {1, 2, 4}) {
    options.threads = threads;
    expect_same_logits(options, "hello");
  }
  options.adapters = {{write_adapter(model, "instruction"), 1.0F}};
  expect_same_logits(options, "hello");
  options = embedded_model();
  expect_same_logits(options, "What is the capital of France? What is the capital of France?");
  options.precise = true;
  expect_same_logits(options, "What is the capital of France?");
  options.speculation.most = 64;  // more than give the same bits
  expect_same_logits(options, "What is the capital of France?");
  options.precise = false;
  expect_same_logits(options, "What is the capital of France?");
}

// Whatever ends an answer ends it at the same token, also amid tokens that were guessed right.
TEST(Speculation, AnswersEndWhereTheyWould) {
  const TinyModel plain_model;
  const auto check = [](const Runtime& runtime, const GenerationParams& params, const Tokens& text, StopReason reason) {
    const Tokens prompt = runtime.tokenizer().encode("hello");
    Answering plain(runtime);
    const Generation expected = plain.run(prompt, params);
    ASSERT_EQ(expected.reason, reason);
    const std::string expected_text = plain.text();
    for (const auto& [run, wrong] : kGuesses) {
      Script script(text, run, wrong);
      Answering answering(runtime);
      const Generation& generation = answering.run(prompt, params, &script);
      EXPECT_EQ(answering.text(), expected_text);
      EXPECT_EQ(generation.reason, reason);
      EXPECT_EQ(generation.generated_tokens, expected.generated_tokens);
      EXPECT_EQ(generation.stop_text, expected.stop_text);
      EXPECT_LE(answering.sequence().cache().length(), runtime.context_length());
      // The next answer begins with a sound cache.
      answering.run(text, greedy(5));
      plain.run(text, greedy(5));
      EXPECT_EQ(answering.text(), plain.text());
    }
  };
  const auto runtime = plain_model.open();
  const Tokens text = whole_text(*runtime, runtime->tokenizer().encode("hello"), greedy(30), 30);
  const std::string answer = runtime->tokenizer().decode({text.end() - 30, text.end()});
  check(*runtime, greedy(7), text, StopReason::kLength);
  GenerationParams stops = greedy(30);
  stops.stops = {answer.substr(10, 3)};
  check(*runtime, stops, text, StopReason::kStopText);
  const TinyModel ending({.eos_instead_of = answer[7], .chat_template = {}});
  Tokens ended = text;
  const TokenId letter = text[text.size() - 30 + 7];
  std::ranges::replace(ended, letter, TokenId{2});
  check(*ending.open(), greedy(30), ended, StopReason::kEndOfText);
  TinyModel small;
  small.options.context = 24;
  check(*small.open(), greedy(-1), {text.begin(), text.begin() + 23}, StopReason::kContextFull);
}

// A toy distribution over three letters that depends on the token before.
constexpr std::array<std::array<double, 3>, 3> kToy = {{{1.0, 0.2, -0.5}, {0.1, 0.9, 0.4}, {-0.3, 0.6, 0.8}}};
constexpr double kPresence = 0.7;

size_t letter_of(TokenId token) { return static_cast<size_t>(token - TinyModelWriter::kFirstLetter); }

std::vector<float> toy_logits(std::span<const TokenId> before) {
  std::vector<float> logits;
  for (const TokenId token : before) {
    const size_t row = logits.size();
    logits.resize(row + TinyModelWriter::kVocab, -std::numeric_limits<float>::infinity());
    for (size_t i = 0; i < 3; ++i) {
      logits[row + TinyModelWriter::kFirstLetter + i] = static_cast<float>(kToy[letter_of(token)][i]);
    }
  }
  return logits;
}

// Answers of three letters to "a" from the toy distribution.
Tokens toy_answer(Sequence& sequence, uint64_t seed, Drafter* drafter) {
  GenerationParams params;
  params.sampling.temperature = 1.0F;
  params.sampling.top_k = 0;
  params.sampling.top_p = 1.0F;
  params.sampling.min_p = 0.0F;
  params.sampling.seed = seed;
  params.sampling.presence_penalty = static_cast<float>(kPresence);
  params.max_tokens = 3;
  Tokens answer;
  const Tokens prompt = {TinyModelWriter::kFirstLetter};
  sequence.begin(prompt, params, [&](std::string_view text) {
    for (const char letter : text) answer.push_back(letter - 'a');
  });
  while (!sequence.done()) {
    if (drafter != nullptr && sequence.answering()) sequence.propose(*drafter, 8);
    const std::span<const TokenId> pending = sequence.pending();
    const std::vector<float> logits = toy_logits(pending.last(static_cast<size_t>(sequence.wanted_rows())));
    sequence.cache().grow(static_cast<int64_t>(pending.size()));
    sequence.take_logits(logits);
  }
  return answer;
}

// The probability of an answer by the definition: softmax, with the letters that came before made less likely.
double toy_probability(const Tokens& answer) {
  double probability = 1;
  std::array<bool, 3> seen = {true, false, false};
  size_t before = 0;
  for (const TokenId token : answer) {
    const auto weight = [&](size_t i) { return std::exp(kToy[before][i] - (seen[i] ? kPresence : 0)); };
    const auto letter = static_cast<size_t>(token);
    probability *= weight(letter) / (weight(0) + weight(1) + weight(2));
    seen[letter] = true;
    before = letter;
  }
  return probability;
}

// The chi-square statistic of the 27 answers' counts, against the value that it exceeds once in 10,000 times by chance
// with 26 degrees of freedom.
TEST(Speculation, TheDistributionIsTheModels) {
  constexpr double kLimit = 61.7;
  constexpr int kAnswers = 20'000;
  const TinyModel model;
  const auto runtime = model.open();
  model::KvCache cache(runtime->model().hyper(), runtime->context_length());
  Sequence sequence(runtime->tokenizer(), cache, runtime->context_length());
  constexpr TokenId kA = TinyModelWriter::kFirstLetter;
  for (const Tokens& guess :
       {Tokens{kA, kA + 1, kA + 2, kA}, Tokens{kA, kA, kA, kA}, Tokens{kA, kA + 1, kA + 1, kA + 2}}) {
    Script script(guess, 3, kNeverWrong);
    std::map<Tokens, int> counts;
    for (int seed = 0; seed < kAnswers; ++seed) {
      const Tokens answer = toy_answer(sequence, static_cast<uint64_t>(seed), &script);
      ++counts[answer];
      ASSERT_EQ(answer, toy_answer(sequence, static_cast<uint64_t>(seed), nullptr));
    }
    double chi_square = 0;
    for (TokenId first = 0; first < 3; ++first) {
      for (TokenId second = 0; second < 3; ++second) {
        for (TokenId third = 0; third < 3; ++third) {
          const Tokens answer = {first, second, third};
          const double expected = kAnswers * toy_probability(answer);
          chi_square += std::pow(counts[answer] - expected, 2) / expected;
        }
      }
    }
    EXPECT_LT(chi_square, kLimit);
  }
}

TEST(Speculation, GeneratorsGuessRepeatedText) {
  RuntimeOptions options = embedded_model();
  const auto guessing = Runtime::open(options);
  options.speculation.most = 64;
  const auto asked_for_more = Runtime::open(options);
  options.speculation.enabled = false;
  const auto plain = Runtime::open(options);
  const std::string prompt = "The cat sat on the mat. The dog sat on the mat. The cat sat on the mat. The dog";
  GenerationParams sampled = seeded(80);
  sampled.ignore_eos = true;
  sampled.sampling.temperature = 0.7F;
  GenerationParams likely = greedy(80);
  likely.ignore_eos = true;
  for (const GenerationParams& params : {likely, sampled}) {
    const Answered expected = answer(*plain, prompt, params);
    const Answered answered = answer(*guessing, prompt, params);
    EXPECT_EQ(answered.text, expected.text);
    EXPECT_EQ(answered.generation.generated_tokens, expected.generation.generated_tokens);
    EXPECT_EQ(expected.generation.proposed_tokens, 0);
    EXPECT_GE(answered.generation.proposed_tokens, answered.generation.accepted_tokens);
    const Answered more = answer(*asked_for_more, prompt, params);
    EXPECT_EQ(more.text, expected.text);
    EXPECT_EQ(more.generation.proposed_tokens, answered.generation.proposed_tokens);
  }
  EXPECT_GT(answer(*guessing, prompt, likely).generation.accepted_tokens, 20);
}

}  // namespace
}  // namespace patina::engine
