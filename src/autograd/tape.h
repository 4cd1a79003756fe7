#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/function_ref.h"
#include "ops/context.h"

namespace patina::autograd {

// Is told of a pass as it runs, on its thread. What its functions throw ends the pass.
class PassWatch {
 public:
  virtual ~PassWatch() = default;
  // On the way forward and back, again and again.
  virtual void between_operations() = 0;
  // A step on the way back has added to the gradient of the tensor with this key, a parameter or any other.
  virtual void on_gradient(const void* key) = 0;
};

struct TapeOptions {
  bool recompute_blocks = false;  // keep only each block's input, and run it again in the backward pass
  bool compact = false;           // keep numbers as Compact does, and not what can be made of others
  PassWatch* watch = nullptr;     // may be null; must outlive the tape
};

// Records what ran forward and runs it backward. One forward and one backward pass a tape, on one driving thread:
//
//   Tape tape(context.buffers, options);
//   context.recorder = &tape;
//   Tensor h = model.hidden(context, ...);       // forward, recorded
//   tape.backward(context, h, std::move(dh));    // dh: d loss / d h, used up
//   Tensor da = tape.gradient(parameter);        // empty when none flowed
class Tape final : public ops::Recorder, private ops::Gradients {
 public:
  using Tensor = ops::Tensor;
  using Outline = ops::Outline;

  explicit Tape(tensor::BufferPool& buffers, TapeOptions options = {}) : buffers_(buffers), options_(options) {}

  void record(const Outline& result, Backward backward) override;
  std::shared_ptr<const ops::Saved> save(const ops::Context& context, const Tensor& x) override;
  void derive(const Outline& result, Recipe recipe) override;
  void change(const Outline& x, Recipe change) override;
  Tensor run_block(ops::Context& context, const Tensor& x, Block block) override;

  // Adds gradients of `parameter` to `gradient` (same shape), which keeps what it holds: for accumulation over passes.
  void accumulate_into(const Tensor& parameter, const Tensor& gradient);

  // Runs a backward step of what was not recorded, before backward(): what it adds to gradients counts with the rest.
  void run(FunctionRef<void(ops::Gradients&)> step);

  // Runs every recorded step in reverse, each dropped as soon as it has run. Recording is off meanwhile. The numbers of
  // `gradient` change; moved in, its memory serves again as soon as they are no longer needed.
  void backward(ops::Context& context, const Outline& result, Tensor gradient);

  // The gradient that has reached a tensor and was not taken by a step: of parameters, and of inputs that need one.
  Tensor gradient(const Outline& parameter) const;

 private:
  struct Step {
    Outline result;
    Backward backward;
  };

  void tell_watch();
  void touch(const Outline& input);
  Tensor take(const Outline& result) override;
  Tensor look(const Outline& result) override;
  Tensor into(const Outline& input) override;
  void give(const ops::Context& context, const Outline& input, Tensor gradient) override;

  tensor::BufferPool& buffers_;
  TapeOptions options_;
  std::vector<Step> steps_;
  std::unordered_map<const void*, Tensor> gradients_;
  // By key. Steps hold what is saved; a recipe lives until the step of its result has run.
  std::unordered_map<const void*, std::weak_ptr<const ops::Saved>> saved_;
  std::unordered_map<const void*, Recipe> recipes_;
  std::vector<const void*> touched_;  // whose gradients the step that runs adds to, each once; only with a watch
};

}  // namespace patina::autograd
