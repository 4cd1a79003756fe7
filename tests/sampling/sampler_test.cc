#include "sampling/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "base/error.h"

namespace patina::sampling {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> random_logits(size_t count, uint64_t seed, float spread) {
  std::mt19937_64 random(seed);
  std::vector<float> logits;
  for (size_t i = 0; i < count; ++i) {
    const double uniform = static_cast<double>(random() >> 11) * 0x1p-53;
    logits.push_back(static_cast<float>((uniform - 0.5) * spread));
  }
  return logits;
}

SamplingParams plain() {
  SamplingParams params;
  params.temperature = 1;
  params.top_k = 0;
  params.top_p = 1;
  params.min_p = 0;
  return params;
}

// The definition, step by step, over a fully sorted list: the probability of each token that can be drawn.
std::map<TokenId, double> expected(const std::vector<float>& logits, const SamplingParams& params) {
  std::vector<std::pair<double, TokenId>> sorted;
  sorted.reserve(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) sorted.emplace_back(-logits[i], static_cast<TokenId>(i));
  std::sort(sorted.begin(), sorted.end());
  if (params.top_k > 0) sorted.resize(std::min(sorted.size(), static_cast<size_t>(params.top_k)));
  const auto probabilities = [&sorted](double temperature) {
    std::vector<double> result;
    double total = 0;
    for (const auto& [negated, id] : sorted) {
      result.push_back(std::exp((sorted[0].first - negated) / temperature));
      total += result.back();
    }
    for (double& p : result) p /= total;
    return result;
  };
  if (params.top_p < 1) {
    const std::vector<double> p = probabilities(1);
    size_t kept = 0;
    for (double mass = 0; kept < p.size() && (kept == 0 || mass < params.top_p); ++kept) mass += p[kept];
    sorted.resize(kept);
  }
  if (params.min_p > 0) {
    const std::vector<double> p = probabilities(1);
    size_t kept = 1;
    while (kept < p.size() && p[kept] >= params.min_p * p[0]) ++kept;
    sorted.resize(kept);
  }
  const std::vector<double> p = probabilities(params.temperature);
  std::map<TokenId, double> result;
  for (size_t i = 0; i < p.size(); ++i) result[sorted[i].second] = p[i];
  return result;
}

// Draws many times: nothing outside the expected set, and Pearson's chi-square of the counts within five standard
// deviations of its mean (cells expected fewer than ten times are put together).
void expect_distribution(const std::vector<float>& logits, const SamplingParams& params, int draws) {
  const std::map<TokenId, double> probabilities = expected(logits, params);
  Sampler sampler(params);
  std::map<TokenId, int> counts;
  for (int i = 0; i < draws; ++i) ++counts[sampler.sample(logits)];
  for (const auto& [id, count] : counts) ASSERT_TRUE(probabilities.contains(id)) << "token " << id << " was drawn";
  double chi_square = 0;
  int cells = 0;
  double rare_expected = 0;
  double rare_count = 0;
  const auto add = [&](double wanted, double count) {
    chi_square += (count - wanted) * (count - wanted) / wanted;
    ++cells;
  };
  for (const auto& [id, probability] : probabilities) {
    const double wanted = probability * draws;
    if (wanted >= 10) {
      add(wanted, counts[id]);
    } else {
      rare_expected += wanted;
      rare_count += counts[id];
    }
  }
  if (rare_expected >= 10) add(rare_expected, rare_count);
  const double degrees = cells - 1;
  EXPECT_LE(chi_square, degrees + 5 * std::sqrt(2 * degrees) + 1e-9);
}

TEST(Sampler, DrawsWithTheExactProbabilities) {
  SamplingParams params = plain();
  expect_distribution(random_logits(50, 1, 6), params, 50000);
  params.temperature = 0.5F;
  expect_distribution(random_logits(50, 2, 6), params, 50000);
  params.temperature = 3;
  expect_distribution(random_logits(50, 3, 6), params, 50000);
}

TEST(Sampler, EachFilterKeepsWhatItsDefinitionSays) {
  const std::vector<float> logits = random_logits(60, 4, 8);
  SamplingParams params = plain();
  params.top_k = 7;
  expect_distribution(logits, params, 20000);
  params = plain();
  params.top_p = 0.7F;
  expect_distribution(logits, params, 20000);
  params = plain();
  params.min_p = 0.2F;
  expect_distribution(logits, params, 20000);
}

TEST(Sampler, TheFiltersTogether) {
  SamplingParams params;  // the defaults
  params.seed = 5;
  expect_distribution(random_logits(3000, 5, 10), params, 20000);
  params.temperature = 1.5F;
  params.top_k = 1500;  // too many for the heap
  params.top_p = 0.3F;
  params.min_p = 0.4F;
  expect_distribution(random_logits(3000, 6, 4), params, 20000);
}

// The set that can be drawn, found by making every other token's draw visible: with a flat temperature every kept token
// comes up.
TEST(Sampler, TheKeptSetIsThatOfTheSortedReference) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    std::vector<float> logits = random_logits(300, seed, 3);
    if (seed % 2 == 1) {
      for (float& logit : logits) logit = std::round(logit);  // many ties
    }
    SamplingParams params = plain();
    params.temperature = 1000;
    params.seed = seed;
    if (seed % 3 != 0) params.top_p = 0.02F * static_cast<float>(1 + seed);
    if (seed % 5 != 0) params.top_k = static_cast<int>(5 * seed);
    std::set<TokenId> kept;
    for (const auto& [id, probability] : expected(logits, params)) kept.insert(id);
    Sampler sampler(params);
    std::set<TokenId> drawn;
    for (int i = 0; i < 6000; ++i) drawn.insert(sampler.sample(logits));
    EXPECT_EQ(drawn, kept) << "seed " << seed;
  }
}

TEST(Sampler, OnlyTheDecisiveLogitsDecide) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SamplingParams params;
    params.seed = seed;
    params.temperature = seed % 3 == 0 ? 0 : 0.5F;
    params.top_k = static_cast<int>(1 + seed % 7);
    if (seed % 2 == 0) params.repeat_penalty = 1.5F;
    if (seed % 4 == 0) params.presence_penalty = 1;
    if (seed % 5 == 0) params.repeat_last_n = -1;
    if (seed % 7 == 0) params.banned = {3, 90, 120};
    Sampler whole(params);
    Sampler part(params);
    for (int step = 0; step < 40; ++step) {
      const std::vector<float> logits = random_logits(130, seed * 1000 + static_cast<uint64_t>(step), 4);
      std::vector<float> sorted = logits;
      std::sort(sorted.begin(), sorted.end(), std::greater<>());
      const int64_t count = part.decisive_logits(0);
      ASSERT_GT(count, 0);
      ASSERT_LT(count, 130);
      std::vector<float> others = logits;
      for (float& logit : others) {
        if (logit < sorted[static_cast<size_t>(count - 1)]) logit = sorted[static_cast<size_t>(count - 1)] - 1e-3F;
      }
      const TokenId token = whole.sample(logits);
      ASSERT_EQ(part.sample(others), token) << "seed " << seed << " step " << step;
      whole.accept(token);
      part.accept(token);
    }
  }
}

TEST(Sampler, AllLogitsDecideWithoutTopKOrWherePenaltiesRaise) {
  const auto decisive = [](const std::function<void(SamplingParams&)>& change) {
    SamplingParams params;
    change(params);
    return Sampler(params).decisive_logits(0);
  };
  EXPECT_EQ(decisive([](SamplingParams&) {}), 40);
  EXPECT_EQ(decisive([](SamplingParams& p) { p.temperature = 0; }), 1);
  EXPECT_EQ(decisive([](SamplingParams& p) { p.top_k = 0; }), 0);
  EXPECT_EQ(decisive([](SamplingParams& p) { p.repeat_penalty = 0.9F; }), 0);
  EXPECT_EQ(decisive([](SamplingParams& p) { p.presence_penalty = -1; }), 0);
  EXPECT_EQ(decisive([](SamplingParams& p) { p.frequency_penalty = -1; }), 0);
}

TEST(Sampler, TheSameSeedGivesTheSameTokens) {
  const std::vector<float> logits = random_logits(1000, 9, 5);
  SamplingParams params;
  params.seed = 42;
  Sampler first(params);
  Sampler second(params);
  std::vector<TokenId> tokens;
  for (int i = 0; i < 100; ++i) {
    tokens.push_back(first.sample(logits));
    EXPECT_EQ(second.sample(logits), tokens.back());
    first.accept(tokens.back());
  }
  first.reset();
  for (const TokenId token : tokens) EXPECT_EQ(first.sample(logits), token);
  params.seed = 43;
  Sampler other(params);
  int equal = 0;
  for (const TokenId token : tokens) equal += other.sample(logits) == token ? 1 : 0;
  EXPECT_LT(equal, 100);
}

// mt19937_64 is fixed by the C++ standard ([rand.predef]: its 10000th output is 9981545732273789042), and so is what is
// made of it here: the upper 53 bits over 2^53, walked through the tokens by rising id.
TEST(Sampler, TheDrawIsAFunctionOfTheGeneratorAlone) {
  SamplingParams params = plain();
  params.seed = 5489;
  Sampler sampler(params);
  const std::vector<float> flat(1000, 0.0F);
  TokenId last = -1;
  for (int i = 0; i < 10000; ++i) last = sampler.sample(flat);
  EXPECT_EQ(last, static_cast<TokenId>(static_cast<double>(9981545732273789042ULL) / 0x1p64 * 1000));
}

TEST(Sampler, PenaltiesFollowTheirDefinition) {
  SamplingParams params = plain();
  params.temperature = 0;
  params.repeat_penalty = 2;
  params.repeat_last_n = 3;
  Sampler sampler(params);
  sampler.accept(0);
  EXPECT_EQ(sampler.sample(std::vector<float>{3, 1.6F, -1}), 1);  // 3 / 2 < 1.6
  EXPECT_EQ(sampler.sample(std::vector<float>{3, 1.4F, -1}), 0);
  EXPECT_EQ(sampler.sample(std::vector<float>{-1, -1.9F}), 1);  // -1 * 2 < -1.9
  EXPECT_EQ(sampler.sample(std::vector<float>{-1, -2.1F}), 0);
  for (int i = 0; i < 3; ++i) sampler.accept(2);  // 0 leaves the window
  EXPECT_EQ(sampler.sample(std::vector<float>{3, 1.6F, -1}), 0);

  params.repeat_penalty = 1;
  params.presence_penalty = 1;
  params.frequency_penalty = 0.5F;
  params.repeat_last_n = -1;
  Sampler counting(params);
  counting.accept(0);
  counting.accept(0);
  counting.accept(-7);  // outside the vocabulary: ignored
  counting.accept(99);
  EXPECT_EQ(counting.sample(std::vector<float>{2, 0.1F}), 1);  // 2 - 1 - 2 * 0.5 = 0
  EXPECT_EQ(counting.sample(std::vector<float>{2.2F, 0.1F}), 0);
  params.repeat_last_n = 0;
  Sampler off(params);
  off.accept(0);
  EXPECT_EQ(off.sample(std::vector<float>{2, 1.9F}), 0);
}

TEST(Sampler, BannedTokensAreNeverChosen) {
  SamplingParams params = plain();
  params.banned = {1, 77, -3};
  Sampler sampler(params);
  for (int i = 0; i < 500; ++i) EXPECT_NE(sampler.sample(std::vector<float>{0, 9, 1}), 1);
  params.temperature = 0;
  EXPECT_EQ(Sampler(params).sample(std::vector<float>{0, 9, 1}), 2);
}

TEST(Sampler, OddLogits) {
  for (const int top_k : {0, 1, 2, 1000}) {
    SamplingParams params;
    params.top_k = top_k;
    Sampler sampler(params);
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(sampler.sample(std::vector<float>{kNan, 1, -kInfinity, kNan}), 1);
      EXPECT_EQ(sampler.sample(std::vector<float>{0, kInfinity, kInfinity}), 1);
      EXPECT_EQ(sampler.sample(std::vector<float>{-1e38F}), 0);
      EXPECT_EQ(sampler.sample(std::vector<float>{-3e38F, 3e38F}), 1);
    }
  }
  SamplingParams cold = plain();
  cold.temperature = 1e-30F;
  EXPECT_EQ(Sampler(cold).sample(std::vector<float>{1, 2, 1.9999999F}), 1);
  SamplingParams narrow = plain();
  narrow.top_p = 0;
  EXPECT_EQ(Sampler(narrow).sample(std::vector<float>{1, 2, 1}), 1);
  narrow.top_p = 1;
  narrow.min_p = 2;
  EXPECT_EQ(Sampler(narrow).sample(std::vector<float>{1, 2, 1}), 1);
}

void expect_refused(const std::function<void()>& act) {
  try {
    act();
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
  }
}

TEST(Sampler, RefusesWhenNothingCanBeChosen) {
  Sampler sampler(plain());
  expect_refused([&] { sampler.sample(std::vector<float>{}); });
  expect_refused([&] { sampler.sample(std::vector<float>{-kInfinity, kNan}); });
  SamplingParams banned = plain();
  banned.banned = {0};
  expect_refused([&] { Sampler(banned).sample(std::vector<float>{1}); });
}

TEST(Sampler, RefusesParametersThatAreNoNumbers) {
  const auto refused = [](const std::function<void(SamplingParams&)>& spoil) {
    SamplingParams params;
    spoil(params);
    expect_refused([&] { Sampler sampler(params); });
  };
  refused([](SamplingParams& p) { p.temperature = kNan; });
  refused([](SamplingParams& p) { p.top_p = kNan; });
  refused([](SamplingParams& p) { p.min_p = kNan; });
  refused([](SamplingParams& p) { p.repeat_penalty = 0; });
  refused([](SamplingParams& p) { p.repeat_penalty = kNan; });
  refused([](SamplingParams& p) { p.presence_penalty = kNan; });
  refused([](SamplingParams& p) { p.frequency_penalty = kNan; });
}

TEST(Argmax, IsTheFirstOfTheLargest) {
  EXPECT_EQ(argmax(std::vector<float>{1, 3, 3, 2}), 1);
  EXPECT_EQ(argmax(std::vector<float>{kNan, -5}), 1);
  expect_refused([] { argmax(std::vector<float>{}); });
}

}  // namespace
}  // namespace patina::sampling
