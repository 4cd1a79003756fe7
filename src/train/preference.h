#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// Losses of preferences: pairs of a chosen and a rejected answer to the same prompt.
namespace patina::train {

// What a run makes smaller.
enum class Objective {
  kLikelihood,  // -log p of what carries loss
  kDpo,         // that the chosen answer gains on the rejected one no more than it does in the model without adapter
  kOrpo,        // -log p of the chosen answer, and that its odds are no better than the rejected one's
};

// As a user names it: "sft", "dpo", "orpo". Empty for an unknown one.
std::optional<Objective> objective_from_name(std::string_view name);
std::string_view objective_name(Objective objective);

struct LossOptions {
  Objective objective = Objective::kLikelihood;
  double beta = 0.1;  // of DPO and ORPO, above 0; ORPO's paper calls it lambda
};

// An answer under a model.
struct AnswerLikelihood {
  double log_p = 0;   // sum over its tokens that carry loss
  size_t tokens = 1;  // that many

  double mean() const { return log_p / static_cast<double>(tokens); }
};

struct PairLikelihood {
  AnswerLikelihood chosen;
  AnswerLikelihood rejected;
};

// The loss of a pair, its derivatives by both answers' log_p, and how far the chosen answer is ahead.
struct PairLoss {
  double loss;
  double by_chosen;
  double by_rejected;
  double margin;
};

// -log sigmoid(margin), margin = beta ((c - c0) - (r - r0)) for log_p of chosen and rejected under the trained model
// and under the reference (Rafailov et al., 2023, "Direct Preference Optimization", eq. 7).
PairLoss dpo_loss(const PairLikelihood& trained, const PairLikelihood& reference, double beta);

// -beta log sigmoid(log odds(c) - log odds(r)), odds(x) = p / (1 - p) with p = exp of the answer's mean log p a token
// (Hong et al., 2024, "ORPO", eq. 6 and 7), without the likelihood of the chosen answer that belongs to it; margin =
// beta (mean of c - mean of r).
PairLoss orpo_loss(const PairLikelihood& trained, double beta);

// What a model makes of preferences.
struct PreferenceSum {
  double loss = 0;    // of pairs
  double margin = 0;  // summed over pairs
  size_t pairs = 0;
  size_t preferred = 0;  // whose margin is above 0

  void add(const PairLoss& pair) {
    loss += pair.loss;
    margin += pair.margin;
    ++pairs;
    preferred += pair.margin > 0 ? 1 : 0;
  }
  void add(const PreferenceSum& other) {
    loss += other.loss;
    margin += other.margin;
    pairs += other.pairs;
    preferred += other.preferred;
  }
  double mean_margin() const { return pairs == 0 ? 0 : margin / static_cast<double>(pairs); }
  double share_preferred() const {
    return pairs == 0 ? 0 : static_cast<double>(preferred) / static_cast<double>(pairs);
  }
};

}  // namespace patina::train
