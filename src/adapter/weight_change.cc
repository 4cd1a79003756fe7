#include "adapter/weight_change.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/printable.h"
#include "io/tensor_rows.h"

namespace patina::adapter {

namespace {

constexpr int64_t kTileElements = 1 << 16;  // of a thread

// rows += scale * B A of the rows from `first` on.
void add_product(const kernels::Kernels& kernels, const LoraEntry& entry, float scale, int64_t first,
                 std::span<float> rows) {
  const int64_t in = entry.a.cols();
  const int64_t rank = entry.rank();
  kernels.vector.sgemm(false, false, static_cast<int64_t>(rows.size()) / in, in, rank, scale, entry.b.row(first), rank,
                       entry.a.data(), in, 1.0F, rows.data(), in);
}

float length_of(const kernels::Kernels& kernels, const float* row, int64_t in) {
  return std::sqrt(kernels.vector.sum_squares(row, in));
}

// What brings a row to the magnitude's length.
float gain(float magnitude, float length) { return length > 0.0F ? magnitude / length : 0.0F; }

}  // namespace

tensor::Tensor row_lengths(const LoraEntry& entry, float scale, const BaseWeights& weights) {
  const io::TensorInfo& tensor = weights.file.require(std::string(entry.site).append(".weight"));
  const int64_t in = entry.a.cols();
  const tensor::Tensor result = tensor::BufferPool().make(entry.b.rows(), 1);
  std::vector<std::vector<float>> tiles(static_cast<size_t>(weights.pool.size()));
  const int64_t rows_a_tile = std::max<int64_t>(1, kTileElements / in);
  weights.pool.parallel_for(entry.b.rows(), rows_a_tile, [&](int64_t begin, int64_t end, int worker) {
    std::vector<float>& rows = tiles[static_cast<size_t>(worker)];
    rows.resize(static_cast<size_t>((end - begin) * in));
    io::dequantize_rows(tensor, begin, rows);
    add_product(weights.kernels, entry, scale, begin, rows);
    for (int64_t i = begin; i < end; ++i) {
      *result.row(i) = length_of(weights.kernels, rows.data() + (i - begin) * in, in);
    }
  });
  weights.file.release_pages(tensor.data);
  return result;
}

tensor::Tensor gains(const LoraEntry& entry, float scale, const BaseWeights& weights) {
  tensor::Tensor result = row_lengths(entry, scale, weights);
  for (int64_t i = 0; i < result.rows(); ++i) *result.row(i) = gain(*entry.magnitude.row(i), *result.row(i));
  return result;
}

WeightChange::WeightChange(const LoraAdapter& adapter, std::string_view label, float scale, const io::ModelFile& base,
                           const kernels::Kernels& kernels)
    : kernels_(kernels) {
  const std::string architecture = base.metadata().get_string("general.architecture");
  if (adapter.architecture != architecture) {
    fail(ErrorKind::kIncompatible, "{} does not fit {}: it was made for a model of architecture {}, this is {}", label,
         base.path().string(), io::printable(adapter.architecture), io::printable(architecture));
  }
  if (!std::isfinite(scale)) fail(ErrorKind::kInvalidArgument, "the scale of {} is {}; give a number", label, scale);
  for (const LoraEntry& entry : adapter.entries) {
    const std::string name = std::string(entry.site).append(".weight");
    const io::TensorInfo* tensor = base.find(name);
    if (tensor == nullptr) {
      fail(ErrorKind::kIncompatible, "{} does not fit {}: it changes {}, which the model does not have", label,
           base.path().string(), io::printable(name));
    }
    if (tensor->shape.size() > 2 || tensor->rows() != entry.b.rows() || tensor->row_length() != entry.a.cols()) {
      fail(ErrorKind::kIncompatible, "{} does not fit {}: {} is {} x {} in the adapter, {} x {} in the model", label,
           base.path().string(), io::printable(name), entry.b.rows(), entry.a.cols(), tensor->rows(),
           tensor->row_length());
    }
    terms_.emplace(name, Term{entry, scale * adapter.scale(entry)});
  }
}

void WeightChange::apply(const io::TensorInfo& tensor, int64_t first, std::span<float> rows) const {
  const Term& term = terms_.find(tensor.name)->second;
  const LoraEntry& entry = term.entry;
  add_product(kernels_, entry, term.scale, first, rows);
  if (!entry.magnitude) return;
  const int64_t in = entry.a.cols();
  for (int64_t i = 0; i < static_cast<int64_t>(rows.size()) / in; ++i) {
    float* row = rows.data() + i * in;
    kernels_.vector.scale(gain(*entry.magnitude.row(first + i), length_of(kernels_, row, in)), row, row, in);
  }
}

}  // namespace patina::adapter
