#include "train/preference.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace patina::train {
namespace {

struct Named {
  Objective objective;
  std::string_view name;
};

constexpr std::array kNames = {Named{Objective::kLikelihood, "sft"}, Named{Objective::kDpo, "dpo"},
                               Named{Objective::kOrpo, "orpo"}};

double log_sigmoid(double x) { return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x)); }
double sigmoid(double x) { return std::exp(log_sigmoid(x)); }

// 1 - exp(x) for x below 0. A token that is certain to the last bit would have infinite odds.
double one_minus_exp(double x) { return std::max(-std::expm1(x), 1e-12); }

}  // namespace

std::optional<Objective> objective_from_name(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name, &Named::name);
  if (found == kNames.end()) return std::nullopt;
  return found->objective;
}

std::string_view objective_name(Objective objective) {
  return std::ranges::find(kNames, objective, &Named::objective)->name;
}

PairLoss dpo_loss(const PairLikelihood& trained, const PairLikelihood& reference, double beta) {
  const double margin =
      beta * ((trained.chosen.log_p - reference.chosen.log_p) - (trained.rejected.log_p - reference.rejected.log_p));
  const double slope = beta * sigmoid(-margin);
  return {.loss = -log_sigmoid(margin), .by_chosen = -slope, .by_rejected = slope, .margin = margin};
}

PairLoss orpo_loss(const PairLikelihood& trained, double beta) {
  const double c = trained.chosen.mean();
  const double r = trained.rejected.mean();
  const double ratio = (c - std::log(one_minus_exp(c))) - (r - std::log(one_minus_exp(r)));
  const double slope = beta * sigmoid(-ratio);
  // d log odds / d mean = 1 / (1 - p)
  return {.loss = -beta * log_sigmoid(ratio),
          .by_chosen = -slope / one_minus_exp(c) / static_cast<double>(trained.chosen.tokens),
          .by_rejected = slope / one_minus_exp(r) / static_cast<double>(trained.rejected.tokens),
          .margin = beta * (c - r)};
}

}  // namespace patina::train
