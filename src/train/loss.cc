#include "train/loss.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "autograd/tape.h"
#include "ops/cross_entropy.h"

namespace patina::train {
namespace {

// Sets the recorder of a context for as long as it lives.
class Recording {
 public:
  Recording(ops::Context& context, ops::Recorder& recorder) : context_(context) { context_.recorder = &recorder; }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  ~Recording() { context_.recorder = nullptr; }

 private:
  ops::Context& context_;
};

ops::Tensor hidden_of(const LossSetting& setting, const Batch& batch) {
  std::vector<model::SequencePart> parts;
  parts.reserve(batch.parts.size());
  for (size_t i = 0; i < batch.parts.size(); ++i) {
    parts.push_back({.tokens = batch.tokens_of(i),
                     .cache = nullptr,
                     .trunk = batch.parts[i].trunk,
                     .shared = static_cast<int64_t>(batch.parts[i].shared)});
  }
  return setting.model.hidden(setting.context, parts, batch.positions, setting.adapters);
}

ops::CrossEntropy cross_entropy(const LossSetting& setting, const ops::Tensor& hidden, const Batch& batch,
                                std::span<const float> weights, ops::CrossEntropyGradients gradients) {
  return ops::cross_entropy(setting.context, hidden, setting.model.output(setting.adapters), batch.targets, weights,
                            gradients);
}

// Of -log p of each target, unweighted.
std::vector<float> target_losses(const LossSetting& setting, const ops::Tensor& hidden, const Batch& batch) {
  const std::vector<float> ones(batch.targets.size(), 1.0F);
  return cross_entropy(setting, hidden, batch, ones, {}).row_losses;
}

// The losses of targets under the model without adapters, where they matter.
std::vector<float> reference_losses(const LossSetting& setting, const Batch& batch) {
  if (setting.options.objective != Objective::kDpo) return {};
  const adapter::Attachment none(setting.model.sites().size());
  const LossSetting reference{setting.model, setting.context, none};
  return target_losses(reference, hidden_of(reference, batch), batch);
}

AnswerLikelihood likelihood(const Batch& batch, size_t part, std::span<const float> losses) {
  const TokenRange range = batch.targets_of(part);
  AnswerLikelihood answer{.tokens = range.size()};
  for (size_t i = range.begin; i < range.end; ++i) answer.log_p -= static_cast<double>(losses[i]);
  return answer;
}

PairLoss pair_loss(const LossOptions& options, const PairLikelihood& trained, const PairLikelihood& reference) {
  switch (options.objective) {
    case Objective::kDpo:
      return dpo_loss(trained, reference, options.beta);
    case Objective::kOrpo:
      return orpo_loss(trained, options.beta);
    case Objective::kLikelihood:
      break;
  }
  return {.loss = 0, .by_chosen = 0, .by_rejected = 0, .margin = trained.chosen.mean() - trained.rejected.mean()};
}

// A batch's loss, and what the gradient of each target's -log p counts in that of the mean.
struct Weighed {
  LossSum sum;
  std::vector<float> weights;
};

Weighed weigh(const LossOptions& options, const Batch& batch, const StepSize& size, std::span<const float> losses,
              std::span<const float> reference) {
  Weighed result;
  result.sum.examples = batch.examples;
  result.weights.resize(batch.targets.size());
  const bool learns_tokens = options.objective != Objective::kDpo;
  const double of_token = learns_tokens ? 1.0 / static_cast<double>(size.tokens) : 0.0;
  const auto set = [&](size_t part, double weight) {
    const TokenRange range = batch.targets_of(part);
    std::fill(result.weights.begin() + static_cast<std::ptrdiff_t>(range.begin),
              result.weights.begin() + static_cast<std::ptrdiff_t>(range.end), static_cast<float>(weight));
  };
  for (size_t i = 0; i < batch.parts.size(); ++i) {
    if (batch.parts[i].rejected) continue;
    const AnswerLikelihood chosen = likelihood(batch, i, losses);
    result.sum.tokens += chosen.tokens;
    if (learns_tokens) result.sum.loss -= chosen.log_p;
    set(i, of_token);
    if (!batch.is_chosen(i)) continue;
    const auto pair_under = [&](std::span<const float> model) {
      return model.empty() ? PairLikelihood{}
                           : PairLikelihood{likelihood(batch, i, model), likelihood(batch, i + 1, model)};
    };
    const PairLoss pair = pair_loss(options, pair_under(losses), pair_under(reference));
    result.sum.preference.add(pair);
    const double of_pair = 1.0 / static_cast<double>(size.pairs);
    set(i, of_token - pair.by_chosen * of_pair);  // the weights are of -log p
    set(i + 1, -pair.by_rejected * of_pair);
  }
  return result;
}

// Whether adapters act at the output.
bool has_terms(const LossSetting& setting) { return !setting.model.output(setting.adapters).adapters.empty(); }

struct LossAndGradient {
  LossSum sum;
  ops::Tensor dhidden;
};

// What a target counts may depend on all losses, so that the gradients of rows are weighed when these are known.
LossAndGradient loss_of_output(const LossSetting& setting, const ops::Tensor& hidden, const Batch& batch,
                               const StepSize& size, std::span<const float> reference) {
  const std::vector<float> ones(batch.targets.size(), 1.0F);
  const ops::CrossEntropy loss = cross_entropy(setting, hidden, batch, ones, {.wanted = true});
  const Weighed weighed = weigh(setting.options, batch, size, loss.row_losses, reference);
  for (int64_t i = 0; i < loss.dhidden.rows(); ++i) {
    float* row = loss.dhidden.row(i);
    setting.context.kernels.vector.scale(weighed.weights[static_cast<size_t>(i)], row, row, loss.dhidden.cols());
  }
  return {weighed.sum, loss.dhidden};
}

// Gradients of terms at the output are sums over rows, whose weights must be known before: from a pass of its own where
// they depend on losses.
LossAndGradient loss_with_output_terms(const LossSetting& setting, const ops::Tensor& hidden, const Batch& batch,
                                       const StepSize& size, std::span<const float> reference,
                                       ops::Gradients& gradients) {
  std::vector<float> losses(batch.targets.size());
  if (setting.options.objective != Objective::kLikelihood) losses = target_losses(setting, hidden, batch);
  const std::vector<float> weights = weigh(setting.options, batch, size, losses, reference).weights;
  const ops::CrossEntropy loss =
      cross_entropy(setting, hidden, batch, weights, {.wanted = true, .parameters = &gradients});
  return {weigh(setting.options, batch, size, loss.row_losses, reference).sum, loss.dhidden};
}

}  // namespace

void LossSum::add(const LossSum& other) {
  loss += other.loss;
  tokens += other.tokens;
  examples += other.examples;
  preference.add(other.preference);
}

double LossSum::mean() const {
  const double of_tokens = tokens > 0 ? loss / static_cast<double>(tokens) : 0;
  return of_tokens + (preference.pairs > 0 ? preference.loss / static_cast<double>(preference.pairs) : 0);
}

StepSize StepSize::of(std::span<const Batch> batches) {
  StepSize size;
  for (const Batch& batch : batches) {
    for (size_t i = 0; i < batch.parts.size(); ++i) {
      if (!batch.parts[i].rejected) size.tokens += batch.targets_of(i).size();
      if (batch.is_chosen(i)) ++size.pairs;
    }
  }
  return size;
}

LossSum add_gradients(const LossSetting& setting, const Batch& batch, const StepSize& size, bool recompute_blocks,
                      const Parameters& parameters) {
  const std::vector<float> reference = reference_losses(setting, batch);
  autograd::Tape tape(
      setting.context.buffers,
      {.recompute_blocks = recompute_blocks, .compact = !setting.context.precise, .watch = setting.watch});
  parameters.accumulate_from(tape);
  ops::Tensor hidden;
  LossAndGradient loss;
  {
    const Recording recording(setting.context, tape);
    hidden = hidden_of(setting, batch);
    tape.run([&](ops::Gradients& gradients) {
      loss = has_terms(setting) ? loss_with_output_terms(setting, hidden, batch, size, reference, gradients)
                                : loss_of_output(setting, hidden, batch, size, reference);
    });
  }
  const ops::Outline result = std::exchange(hidden, {}).outline();
  tape.backward(setting.context, result, std::move(loss.dhidden));
  return loss.sum;
}

LossSum batch_loss(const LossSetting& setting, const Batch& batch) {
  const std::vector<float> reference = reference_losses(setting, batch);
  const std::vector<float> losses = target_losses(setting, hidden_of(setting, batch), batch);
  return weigh(setting.options, batch, StepSize::of({&batch, 1}), losses, reference).sum;
}

double mean_loss(const LossSetting& setting, const Example& example) {
  Example chosen = example;
  chosen.rejected.reset();
  Batch batch;
  batch.add(chosen);
  return batch_loss({setting.model, setting.context, setting.adapters}, batch).mean();
}

LossSum data_loss(const LossSetting& setting, const DataSet& data, size_t pass_tokens,
                  FunctionRef<bool(const LossSum&)> goes_on) {
  LossSum sum;
  Batch batch;
  const auto pass = [&] {
    sum.add(batch_loss(setting, batch));
    batch = {};
    return goes_on(sum);
  };
  for (size_t i = 0; i < data.size(); ++i) {
    const Example example = data.example(i);
    if (batch.try_add(example, pass_tokens)) continue;
    if (!pass()) return sum;
    batch.add(example);
  }
  if (batch.examples > 0) pass();
  return sum;
}

}  // namespace patina::train
