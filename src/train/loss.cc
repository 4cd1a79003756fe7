#include "train/loss.h"

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
  parts.reserve(batch.starts.size());
  for (size_t i = 0; i < batch.starts.size(); ++i) parts.push_back({batch.part(i), nullptr});
  return setting.model.hidden(setting.context, parts, batch.positions, setting.adapters);
}

ops::CrossEntropy cross_entropy(const LossSetting& setting, const ops::Tensor& hidden, const Batch& batch, float weight,
                                bool want_gradient) {
  const std::vector<float> weights(batch.targets.size(), weight);
  return ops::cross_entropy(setting.context, hidden, setting.model.output_matrix(), batch.targets, weights,
                            want_gradient);
}

}  // namespace

double add_gradients(const LossSetting& setting, const Batch& batch, float weight, bool recompute_blocks,
                     const Parameters& parameters) {
  autograd::Tape tape(setting.context.buffers,
                      {.recompute_blocks = recompute_blocks, .compact = !setting.context.precise});
  parameters.accumulate_from(tape);
  ops::Tensor hidden;
  {
    const Recording recording(setting.context, tape);
    hidden = hidden_of(setting, batch);
  }
  const ops::CrossEntropy loss = cross_entropy(setting, hidden, batch, weight, true);
  tape.backward(setting.context, hidden, loss.dhidden);
  return loss.loss;
}

double total_loss(const LossSetting& setting, const Batch& batch) {
  return cross_entropy(setting, hidden_of(setting, batch), batch, 1.0F, false).loss;
}

double mean_loss(const LossSetting& setting, const Example& example) {
  Batch batch;
  batch.add(example);
  return total_loss(setting, batch) / static_cast<double>(batch.targets.size());
}

LossSum data_loss(const LossSetting& setting, const DataSet& data, size_t pass_tokens,
                  FunctionRef<bool(const LossSum&)> goes_on) {
  LossSum sum;
  Batch batch;
  const auto pass = [&] {
    sum.loss += total_loss(setting, batch);
    sum.tokens += batch.targets.size();
    sum.examples += batch.starts.size();
    batch = {};
    return goes_on(sum);
  };
  for (size_t i = 0; i < data.size(); ++i) {
    const Example example = data.example(i);
    if (!batch.has_room(example, pass_tokens) && !pass()) return sum;
    batch.add(example);
  }
  if (!batch.starts.empty()) pass();
  return sum;
}

}  // namespace patina::train
