#include "ops/lora.h"

#include <algorithm>
#include <memory>

#include "base/split_mix.h"

namespace patina::ops {

namespace {

// Tokens and columns that one worker takes at a time.
constexpr int64_t kTokenTile = 32;
constexpr int64_t kColumnTile = 256;

// out = x with each element zero at the term's dropout rate, the rest scaled up to keep the mean.
Tensor dropped(Context& context, const Tensor& x, const LoraTerm& term) {
  Tensor out = context.make(x.rows(), x.cols());
  const float keep_scale = 1.0F / (1.0F - term.dropout);
  const auto threshold = static_cast<uint64_t>(static_cast<double>(term.dropout) * 0x1p32);
  context.parallel(x.rows(), kTokenTile, 4 * x.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t i = begin * x.cols(); i < end * x.cols(); ++i) {
      const bool keep = (mix(term.dropout_seed ^ static_cast<uint64_t>(i)) >> 32) >= threshold;
      out.data()[i] = keep ? x.data()[i] * keep_scale : 0.0F;
    }
  });
  return out;
}

void mask_dropped(Context& context, const LoraTerm& term, const Tensor& dx) {
  const Tensor masked = dropped(context, dx, term);
  std::copy_n(masked.data(), masked.size(), dx.data());
}

// Each row of y [tokens x out] by the gain [out x 1].
void multiply_rows(const Context& context, const Tensor& y, const Tensor& gain) {
  context.parallel(y.rows(), kTokenTile, y.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t t = begin; t < end; ++t) context.kernels.vector.mul(y.row(t), gain.data(), y.row(t), y.cols());
  });
}

// y is about to be changed in place.
std::shared_ptr<const Saved> save_copy(const Context& context, const Tensor& y) {
  const Tensor copy = context.make(y.rows(), y.cols());
  std::copy_n(y.data(), y.size(), copy.data());
  return context.recorder->save(context, copy);
}

// b [out x rank] as [rank x out].
Tensor transposed(const Context& context, const Tensor& b) {
  const Tensor turned = context.make(b.cols(), b.rows());
  context.parallel(b.rows(), kColumnTile, b.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t r = 0; r < b.cols(); ++r) {
      for (int64_t o = begin; o < end; ++o) turned.row(r)[o] = b.row(o)[r];
    }
  });
  return turned;
}

// dmagnitude[o] += inverse_length[o] * sum_t dy[t, o] * y[t, o], y without gain.
void magnitude_backward(const Context& context, Gradients& gradients, const Tensor& y, const LoraTerm& term,
                        const Tensor& dy) {
  const Tensor target = gradients.into(term.magnitude);
  context.parallel(dy.cols(), kColumnTile, dy.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t t = 0; t < dy.rows(); ++t) {
      for (int64_t o = begin; o < end; ++o) {
        target.data()[o] += term.inverse_length.data()[o] * dy.row(t)[o] * y.row(t)[o];
      }
    }
  });
}

}  // namespace

Tensor add_product(Context& context, const Tensor& x, const LoraTerm& term, const Tensor& y, bool drops) {
  const auto& vector = context.kernels.vector;
  const int64_t in = x.cols();
  const int64_t out = y.cols();
  const int64_t rank = term.a.rows();
  const Tensor input = drops && term.dropout > 0.0F ? dropped(context, x, term) : x;
  const Tensor hidden = context.make(x.rows(), rank);
  const bool alone = context.recorder == nullptr && x.rows() <= kFewRows;
  context.parallel(x.rows(), kTokenTile, x.rows() * rank * (in + out), [&](int64_t begin, int64_t end, int /*worker*/) {
    const int64_t together = alone ? 1 : end - begin;
    for (int64_t t = begin; t < end; t += together) {
      vector.sgemm(false, true, together, rank, in, 1.0F, input.row(t), in, term.a.data(), in, 0.0F, hidden.row(t),
                   rank);
      vector.sgemm(false, true, together, out, rank, term.scale, hidden.row(t), rank, term.b.data(), rank, 1.0F,
                   y.row(t), out);
    }
  });
  return hidden;
}

void add_lora(Context& context, const Tensor& x, const LoraTerm& term, const Tensor& y) {
  const Tensor hidden = add_product(context, x, term, y, context.recorder != nullptr);
  const bool records = context.recorder != nullptr && y.needs_grad();
  std::shared_ptr<const Saved> without_gain;
  if (term.gain) {
    if (records && term.magnitude && term.magnitude.needs_grad()) without_gain = save_copy(context, y);
    multiply_rows(context, y, term.gain);
  }
  if (!records) return;
  const auto saved = context.recorder->save(context, x);
  context.recorder->record(y, [saved, without_gain, y = y.outline(), term, hidden](Context& ctx, Gradients& gradients) {
    const Tensor dy = gradients.look(y);
    if (!dy) return;
    if (without_gain) magnitude_backward(ctx, gradients, without_gain->restore(ctx), term, dy);
    if (term.gain) multiply_rows(ctx, dy, term.gain);  // what was recorded before sees the gradient without gain
    lora_backward(ctx, gradients, saved->restore(ctx), term, hidden, dy);
  });
}

void lora_backward(Context& context, Gradients& gradients, const Tensor& x, const LoraTerm& term, const Tensor& hidden,
                   const Tensor& dy) {
  const auto& vector = context.kernels.vector;
  const int64_t tokens = x.rows();
  const int64_t in = x.cols();
  const int64_t out = dy.cols();
  const int64_t rank = term.a.rows();
  const int64_t work = tokens * rank * (in + out);

  const Tensor dhidden = context.make(tokens, rank);
  {
    // Where that makes dot products of them, a small copy spares each tile of tokens a larger one, of dy.
    const bool turns = rank <= kernels::kSgemmDotColumns && out >= kernels::kSgemmDotDepth;
    const Tensor b = turns ? transposed(context, term.b) : term.b;
    context.parallel(tokens, kTokenTile, work, [&](int64_t begin, int64_t end, int /*worker*/) {
      vector.sgemm(false, turns, end - begin, rank, out, term.scale, dy.row(begin), out, b.data(), b.cols(), 0.0F,
                   dhidden.row(begin), rank);
    });
  }
  if (term.b.needs_grad()) {
    const Tensor db = gradients.into(term.b);
    context.parallel(out, kColumnTile, work, [&](int64_t begin, int64_t end, int /*worker*/) {
      vector.sgemm(true, false, end - begin, rank, tokens, term.scale, dy.data() + begin, out, hidden.data(), rank,
                   1.0F, db.row(begin), rank);
    });
  }
  if (term.a.needs_grad()) {
    const Tensor da = gradients.into(term.a);
    const Tensor input = term.dropout > 0.0F ? dropped(context, x, term) : x;
    context.parallel(in, kColumnTile, work, [&](int64_t begin, int64_t end, int /*worker*/) {
      vector.sgemm(true, false, rank, end - begin, tokens, 1.0F, dhidden.data(), rank, input.data() + begin, in, 1.0F,
                   da.data() + begin, in);
    });
  }
  if (x.needs_grad()) {
    const bool masked = term.dropout > 0.0F;
    const Tensor target = masked ? context.buffers.make_zero(tokens, in) : gradients.into(x);
    context.parallel(tokens, kTokenTile, work, [&](int64_t begin, int64_t end, int /*worker*/) {
      vector.sgemm(false, false, end - begin, in, rank, 1.0F, dhidden.row(begin), rank, term.a.data(), in, 1.0F,
                   target.row(begin), in);
    });
    if (masked) {
      mask_dropped(context, term, target);
      gradients.give(context, x, target);
    }
  }
}

}  // namespace patina::ops
