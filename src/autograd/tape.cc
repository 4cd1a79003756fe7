#include "autograd/tape.h"

#include <algorithm>
#include <utility>

#include "autograd/saved_tensors.h"
#include "ops/rows.h"

namespace patina::autograd {

namespace {

// Stands in while a block runs that will be run again: operations mark what needs gradients, nothing is kept.
class ForgetfulRecorder final : public ops::Recorder {
 public:
  void record(const ops::Outline& /*result*/, Backward /*backward*/) override {}
  std::shared_ptr<const ops::Saved> save(const ops::Context& /*context*/, const ops::Tensor& /*x*/) override {
    return nullptr;
  }
  void derive(const ops::Outline& /*result*/, Recipe /*recipe*/) override {}
  void change(const ops::Outline& /*x*/, Recipe /*change*/) override {}
  ops::Tensor run_block(ops::Context& context, const ops::Tensor& x, Block block) override { return block(context, x); }
};

// Puts another recorder in place for a while.
class RecorderSwap {
 public:
  RecorderSwap(ops::Context& context, ops::Recorder* recorder)
      : context_(context), old_(std::exchange(context.recorder, recorder)) {}
  RecorderSwap(const RecorderSwap&) = delete;
  RecorderSwap& operator=(const RecorderSwap&) = delete;
  ~RecorderSwap() { context_.recorder = old_; }

 private:
  ops::Context& context_;
  ops::Recorder* old_;
};

}  // namespace

void Tape::record(const Outline& result, Backward backward) {
  if (options_.watch != nullptr) options_.watch->between_operations();
  steps_.push_back({result, std::move(backward)});
}

std::shared_ptr<const ops::Saved> Tape::save(const ops::Context& context, const Tensor& x) {
  std::weak_ptr<const ops::Saved>& known = saved_[x.key()];
  if (std::shared_ptr<const ops::Saved> saved = known.lock()) return saved;
  std::shared_ptr<const ops::Saved> saved;
  if (!options_.compact) {
    saved = std::make_shared<Whole>(x);
  } else if (const auto recipe = recipes_.find(x.key()); recipe != recipes_.end()) {
    saved = std::make_shared<Derived>(x, recipe->second);
  } else {
    saved = std::make_shared<Compact>(context, x);
  }
  known = saved;
  return saved;
}

void Tape::derive(const Outline& result, Recipe recipe) {
  if (options_.compact) recipes_[result.key()] = std::move(recipe);
}

void Tape::change(const Outline& x, Recipe change) {
  const auto found = recipes_.find(x.key());
  if (found == recipes_.end()) return;
  found->second = [before = std::move(found->second), change = std::move(change)](const ops::Context& context,
                                                                                  const Tensor& again) {
    before(context, again);
    change(context, again);
  };
}

ops::Tensor Tape::run_block(ops::Context& context, const Tensor& x, Block block) {
  if (!options_.recompute_blocks) return block(context, x);
  if (options_.watch != nullptr) options_.watch->between_operations();
  ForgetfulRecorder forgetful;
  const RecorderSwap swap(context, &forgetful);
  Tensor y = block(context, x);
  if (!y.needs_grad()) return y;
  record(y, [this, x, y = y.outline(), block = std::move(block)](ops::Context& ctx, ops::Gradients& gradients) {
    Tensor dy = gradients.take(y);
    if (!dy) return;
    Tape inner(buffers_, options_);
    inner.options_.recompute_blocks = false;
    inner.gradients_ = std::exchange(gradients_, {});
    {
      const RecorderSwap inner_swap(ctx, &inner);
      const Tensor again = block(ctx, x);
      inner.backward(ctx, again, std::move(dy));
    }
    gradients_ = std::move(inner.gradients_);
  });
  return y;
}

void Tape::accumulate_into(const Tensor& parameter, const Tensor& gradient) { gradients_[parameter.key()] = gradient; }

void Tape::run(FunctionRef<void(ops::Gradients&)> step) {
  step(*this);
  tell_watch();
}

void Tape::backward(ops::Context& context, const Outline& result, Tensor gradient) {
  const RecorderSwap swap(context, nullptr);
  gradients_[result.key()] = std::move(gradient);
  while (!steps_.empty()) {
    const Step step = std::move(steps_.back());
    steps_.pop_back();
    step.backward(context, *this);
    tell_watch();
    recipes_.erase(step.result.key());
  }
}

void Tape::tell_watch() {
  if (options_.watch == nullptr) return;
  for (const void* key : std::exchange(touched_, {})) options_.watch->on_gradient(key);
  options_.watch->between_operations();
}

ops::Tensor Tape::gradient(const Outline& parameter) const {
  const auto found = gradients_.find(parameter.key());
  return found == gradients_.end() ? Tensor() : found->second;
}

ops::Tensor Tape::take(const Outline& result) {
  const auto found = gradients_.find(result.key());
  if (found == gradients_.end()) return {};
  Tensor gradient = std::move(found->second);
  gradients_.erase(found);
  return gradient;
}

ops::Tensor Tape::look(const Outline& result) { return gradient(result); }

void Tape::touch(const Outline& input) {
  if (options_.watch == nullptr || std::ranges::find(touched_, input.key()) != touched_.end()) return;
  touched_.push_back(input.key());
}

ops::Tensor Tape::into(const Outline& input) {
  touch(input);
  Tensor& gradient = gradients_[input.key()];
  if (!gradient) gradient = buffers_.make_zero(input.rows(), input.cols());
  return gradient;
}

void Tape::give(const ops::Context& context, const Outline& input, Tensor gradient) {
  touch(input);
  Tensor& total = gradients_[input.key()];
  if (!total) {
    total = std::move(gradient);
  } else {
    ops::add_to(context, total, gradient);
  }
}

}  // namespace patina::autograd
