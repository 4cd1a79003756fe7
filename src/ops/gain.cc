#include "ops/gain.h"

#include <cmath>

#include "ops/linear.h"

namespace patina::ops {

void update_gain(const Context& context, const PackedMatrix& w, const Tensor& squares, const LoraTerm& term) {
  const auto& vector = context.kernels.vector;
  Context exact = context;
  exact.precise = true;
  exact.recorder = nullptr;
  const int64_t rank = term.a.rows();
  const int64_t in = term.a.cols();
  const Tensor wa = linear(exact, term.a, {.weight = &w, .bias = nullptr, .adapters = {}});  // [rank x out]
  const Tensor aa = context.make(rank, rank);
  vector.sgemm(false, true, rank, rank, in, 1.0F, term.a.data(), in, term.a.data(), in, 0.0F, aa.data(), rank);
  const double scale = term.scale;
  context.parallel(w.rows(), 256, w.rows() * rank * (rank + 2), [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t o = begin; o < end; ++o) {
      const float* b = term.b.row(o);
      double mixed = 0;
      double own = 0;
      for (int64_t r = 0; r < rank; ++r) {
        mixed += static_cast<double>(b[r]) * static_cast<double>(wa.row(r)[o]);
        own += static_cast<double>(b[r]) * static_cast<double>(vector.dot(b, aa.row(r), rank));
      }
      const double square = static_cast<double>(squares.data()[o]) + 2 * scale * mixed + scale * scale * own;
      const double inverse = square > 0 ? 1 / std::sqrt(square) : 0;
      term.inverse_length.data()[o] = static_cast<float>(inverse);
      term.gain.data()[o] = static_cast<float>(static_cast<double>(term.magnitude.data()[o]) * inverse);
    }
  });
}

}  // namespace patina::ops
