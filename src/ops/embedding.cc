#include "ops/embedding.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "ops/rows.h"
#include "quant/dequantize.h"

namespace patina::ops {

namespace {

constexpr int64_t kRowTile = 32;
constexpr int64_t kColumnTile = 256;

// y[i] += scale * (row ids[i] of B) A. Row by row, so that each is computed as it would be alone.
void add_rows(const Context& context, const LoraTerm& term, std::span<const int32_t> ids, float scale,
              const Tensor& y) {
  const int64_t rank = term.b.cols();
  context.parallel(y.rows(), kRowTile, y.size() * rank, [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t i = begin; i < end; ++i) {
      context.kernels.vector.sgemm(false, false, 1, y.cols(), rank, scale, term.b.row(ids[static_cast<size_t>(i)]),
                                   rank, term.a.data(), y.cols(), 1.0F, y.row(i), y.cols());
    }
  });
}

// The backward of add_rows() given dy. Tokens repeat, so that rows of db are added to one after the other.
void add_rows_backward(Context& context, Gradients& gradients, const LoraTerm& term, std::span<const int32_t> ids,
                       float scale, const Tensor& dy) {
  const auto& vector = context.kernels.vector;
  const int64_t rank = term.b.cols();
  const int64_t cols = dy.cols();
  const int64_t work = dy.size() * rank;
  if (term.a.needs_grad()) {
    const Tensor rows = gather_rows(context, term.b, ids);
    const Tensor da = gradients.into(term.a);
    context.parallel(cols, kColumnTile, work, [&](int64_t begin, int64_t end, int /*worker*/) {
      vector.sgemm(true, false, rank, end - begin, dy.rows(), scale, rows.data(), rank, dy.data() + begin, cols, 1.0F,
                   da.data() + begin, cols);
    });
  }
  if (!term.b.needs_grad()) return;
  const Tensor drows = context.make(dy.rows(), rank);
  context.parallel(dy.rows(), kRowTile, work, [&](int64_t begin, int64_t end, int /*worker*/) {
    vector.sgemm(false, true, end - begin, rank, cols, scale, dy.row(begin), cols, term.a.data(), cols, 0.0F,
                 drows.row(begin), rank);
  });
  const Tensor db = gradients.into(term.b);
  for (size_t i = 0; i < ids.size(); ++i) {
    float* row = db.row(ids[i]);
    vector.add(row, drows.row(static_cast<int64_t>(i)), row, rank);
  }
}

void record_embedding(Context& context, const EmbeddingTable& table, std::span<const int32_t> ids, float scale,
                      const Tensor& y) {
  const auto trained = [](const LoraTerm& term) { return term.a.needs_grad() || term.b.needs_grad(); };
  if (context.recorder == nullptr || std::ranges::none_of(table.adapters, trained)) return;
  y.set_needs_grad(true);
  context.recorder->record(
      y, [y = y.outline(), scale, terms = std::vector<LoraTerm>(table.adapters.begin(), table.adapters.end()),
          ids = std::vector<int32_t>(ids.begin(), ids.end())](Context& ctx, Gradients& gradients) {
        const Tensor dy = gradients.take(y);
        if (!dy) return;
        for (const LoraTerm& term : terms) add_rows_backward(ctx, gradients, term, ids, scale * term.scale, dy);
      });
}

}  // namespace

Tensor embed(Context& context, const EmbeddingTable& table, std::span<const int32_t> ids, float scale) {
  const int64_t bytes = quant::row_bytes(table.type, table.cols);
  for (const int64_t id : ids) {
    if (id < 0 || (id + 1) * bytes > static_cast<int64_t>(table.rows.size())) {
      fail(ErrorKind::kInvalidArgument, "token {} is not in the model's vocabulary", id);
    }
  }
  Tensor out = context.make(static_cast<int64_t>(ids.size()), table.cols);
  context.parallel(out.rows(), kRowTile, 4 * out.size(), [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t i = begin; i < end; ++i) {
      float* row = out.row(i);
      quant::dequantize_row(table.type, table.rows.data() + ids[static_cast<size_t>(i)] * bytes, row, table.cols);
      if (scale != 1.0F) context.kernels.vector.scale(scale, row, row, table.cols);
    }
  });
  for (const LoraTerm& term : table.adapters) add_rows(context, term, ids, scale * term.scale, out);
  record_embedding(context, table, ids, scale, out);
  return out;
}

}  // namespace patina::ops
