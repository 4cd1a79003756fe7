#pragma once

#include <functional>
#include <memory>

#include "base/function_ref.h"
#include "kernels/dispatch.h"
#include "tensor/tensor.h"
#include "threading/thread_pool.h"

namespace patina::ops {

using tensor::Outline;
using tensor::Tensor;

struct Context;

// What an operation's backward step sees of the pass that runs it.
class Gradients {
 public:
  virtual ~Gradients() = default;
  // The gradient of the loss with respect to an operation's result, complete because every later use of it has run its
  // backward; the caller now owns it. Empty when none flowed.
  virtual Tensor take(const Outline& result) = 0;
  // The same gradient, left in place for an earlier step that takes it.
  virtual Tensor look(const Outline& result) = 0;
  // The gradient that flows into an input: same shape, zero at first use; the caller adds to it.
  virtual Tensor into(const Outline& input) = 0;
  // Adds `gradient`, which the caller gives away: at first use it becomes the gradient of `input`.
  virtual void give(const Context& context, const Outline& input, Tensor gradient) = 0;
};

// What a backward step keeps of a tensor's numbers.
class Saved {
 public:
  virtual ~Saved() = default;
  // The tensor again, the same as before to Gradients; its numbers may be rounded.
  virtual Tensor restore(const Context& context) const = 0;
};

// Where operations leave their backward steps. autograd::Tape is the one implementation; plain inference has none.
class Recorder {
 public:
  using Backward = std::function<void(Context&, Gradients&)>;
  using Block = std::function<Tensor(Context&, const Tensor&)>;
  // Writes a result's numbers again into a tensor of its shape.
  using Recipe = std::function<void(const Context&, const Tensor&)>;
  virtual ~Recorder() = default;
  // `result` depends on something trained; `backward` will run once, after the steps of everything recorded later. It
  // keeps outlines of tensors and saves those whose numbers it needs: a handle would hold their memory.
  virtual void record(const Outline& result, Backward backward) = 0;
  // Keeps what backward needs of `x`, once for all who ask: less than its memory where rounding is allowed, and nothing
  // where there is a recipe for it.
  virtual std::shared_ptr<const Saved> save(const Context& context, const Tensor& x) = 0;
  // How `result` is made anew from what is saved of others, where that is cheap: before anything saves it.
  virtual void derive(const Outline& result, Recipe recipe) = 0;
  // Numbers of `x` that nothing has saved yet are changed in place as `change` does.
  virtual void change(const Outline& x, Recipe change) = 0;
  // Runs `block` on x now; may keep only x and run it again when the backward pass comes by.
  virtual Tensor run_block(Context& context, const Tensor& x, Block block) = 0;
};

// Up to so many rows of one sequence, generating computes each to the last bit as it would alone, so that guessed
// tokens are judged by the logits that they would be chosen by one at a time. (With AMX, in passes of fewer than 32
// rows of all sequences.)
constexpr int64_t kFewRows = kernels::kActGroup;

// What every operation runs with. One a driving thread; operations use the pool's workers themselves.
struct Context {
  ThreadPool& pool;
  const kernels::Kernels& kernels;
  tensor::BufferPool& buffers;
  Recorder* recorder = nullptr;  // set while training
  bool precise = false;          // activations, and all that attention multiplies, stay f32

  Tensor make(int64_t rows, int64_t cols) const { return buffers.make(rows, cols); }
  bool records(const Outline& x) const { return recorder != nullptr && x.needs_grad(); }

  // Runs body(begin, end, worker) over [0, n), in parallel where `work` (about one per arithmetic operation and
  // element) is worth a hand-out.
  void parallel(int64_t n, int64_t chunk, int64_t work, FunctionRef<void(int64_t, int64_t, int)> body) const {
    constexpr int64_t kWorthHandingOut = 16384;
    if (work < kWorthHandingOut) {
      if (n > 0) body(0, n, 0);
    } else {
      pool.parallel_for(n, chunk, body);
    }
  }
};

// One transformer block: recomputed in the backward pass where the recorder wants to save memory.
inline Tensor block(Context& context, const Tensor& x, Recorder::Block body) {
  return context.recorder != nullptr ? context.recorder->run_block(context, x, std::move(body)) : body(context, x);
}

}  // namespace patina::ops
