#include "adapter/principal_init.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "adapter/normal_numbers.h"
#include "adapter/small_eigen.h"
#include "base/error.h"
#include "base/split_mix.h"
#include "io/printable.h"
#include "io/tensor_rows.h"

namespace patina::adapter {
namespace {

constexpr int64_t kTileRows = 32;
constexpr int kPowerIterations = 4;
constexpr int64_t kOversampling = 8;

// A few long vectors, one a row.
struct Rows {
  Rows(int64_t row_count, int64_t length)
      : count(row_count), size(length), values(static_cast<size_t>(row_count * length)) {}
  float* row(int64_t i) { return values.data() + i * size; }

  int64_t count;
  int64_t size;
  std::vector<float> values;
};

Rows random_rows(int64_t count, int64_t size, uint64_t seed) {
  Rows rows(count, size);
  for (size_t i = 0; i < rows.values.size(); ++i) {
    rows.values[i] = normal_number(mix(seed + 2 * i), mix(seed + 2 * i + 1));
  }
  return rows;
}

// Makes the rows orthonormal (Gram and Schmidt, modified, twice). A row that depends on those before becomes zero.
void orthonormalize(Rows& rows) {
  const auto dot = [&](const float* x, const float* y) {
    double sum = 0;
    for (int64_t i = 0; i < rows.size; ++i) sum += static_cast<double>(x[i]) * y[i];
    return sum;
  };
  for (int64_t r = 0; r < rows.count; ++r) {
    float* row = rows.row(r);
    const double before = std::sqrt(dot(row, row));
    for (int round = 0; round < 2; ++round) {
      for (int64_t q = 0; q < r; ++q) {
        const auto share = static_cast<float>(dot(row, rows.row(q)));
        const float* other = rows.row(q);
        for (int64_t i = 0; i < rows.size; ++i) row[i] -= share * other[i];
      }
    }
    const double length = std::sqrt(dot(row, row));
    const auto scale = static_cast<float>(length > 1e-6 * before ? 1 / length : 0);
    for (int64_t i = 0; i < rows.size; ++i) row[i] *= scale;
  }
}

// A layer's matrix [out x in] in the file, read in tiles.
class TiledMatrix {
 public:
  TiledMatrix(const io::TensorInfo& tensor, const ops::Context& context)
      : tensor_(tensor),
        sgemm_(context.kernels.vector.sgemm),
        out_(tensor.rows()),
        in_(tensor.row_length()),
        tile_(static_cast<size_t>(kTileRows * in_)) {}

  int64_t out() const { return out_; }
  int64_t in() const { return in_; }

  // Each row x of `input` becomes W x.
  Rows times(Rows& input) {
    Rows result(input.count, out_);
    for (int64_t begin = 0; begin < out_; begin += kTileRows) {
      const int64_t rows = read(begin);
      sgemm_(false, true, input.count, rows, in_, 1.0F, input.row(0), in_, tile_.data(), in_, 0.0F,
             result.row(0) + begin, out_);
    }
    return result;
  }

  // Each row y becomes W^T y.
  Rows transposed_times(Rows& input) {
    Rows result(input.count, in_);
    for (int64_t begin = 0; begin < out_; begin += kTileRows) {
      const int64_t rows = read(begin);
      sgemm_(false, false, input.count, in_, rows, 1.0F, input.row(0) + begin, out_, tile_.data(), in_, 1.0F,
             result.row(0), in_);
    }
    return result;
  }

  // The first columns, one a row.
  Rows first_columns(int64_t count) {
    Rows result(count, out_);
    for (int64_t begin = 0; begin < out_; begin += kTileRows) {
      const int64_t rows = read(begin);
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t c = 0; c < count; ++c) result.row(c)[begin + i] = tile_[static_cast<size_t>(i * in_ + c)];
      }
    }
    return result;
  }

 private:
  int64_t read(int64_t begin) {
    const int64_t rows = std::min(kTileRows, out_ - begin);
    io::dequantize_rows(tensor_, begin, std::span(tile_).first(static_cast<size_t>(rows * in_)));
    return rows;
  }

  const io::TensorInfo& tensor_;
  decltype(kernels::VectorKernels::sgemm) sgemm_;
  int64_t out_;
  int64_t in_;
  std::vector<float> tile_;
};

void init_pissa(TiledMatrix& matrix, const LoraEntry& entry, float scale, uint64_t seed) {
  const int64_t rank = entry.rank();
  const int64_t count = std::min({rank + kOversampling, matrix.in(), matrix.out()});
  Rows sample = random_rows(count, matrix.in(), seed);
  Rows basis = matrix.times(sample);  // becomes a basis of the columns that matter
  orthonormalize(basis);
  for (int i = 0; i < kPowerIterations; ++i) {
    Rows back = matrix.transposed_times(basis);
    orthonormalize(back);
    basis = matrix.times(back);
    orthonormalize(basis);
  }
  Rows small = matrix.transposed_times(basis);  // Q^T W, whose singular values are those of W
  const EigenSystem eigen = eigen_of_products(small.values, count);
  std::ranges::fill(entry.a.values(), 0.0F);
  std::ranges::fill(entry.b.values(), 0.0F);
  for (int64_t r = 0; r < rank; ++r) {
    const double value = std::sqrt(std::max(eigen.values[static_cast<size_t>(r)], 0.0));  // singular
    const auto to_a = static_cast<float>(value > 0 ? 1 / std::sqrt(value * scale) : 0);
    const auto to_b = static_cast<float>(std::sqrt(value / scale));
    for (int64_t k = 0; k < count; ++k) {
      const auto share = static_cast<float>(eigen.vectors[static_cast<size_t>(r * count + k)]);
      for (int64_t i = 0; i < matrix.in(); ++i) entry.a.row(r)[i] += to_a * share * small.row(k)[i];
      for (int64_t o = 0; o < matrix.out(); ++o) entry.b.row(o)[r] += to_b * share * basis.row(k)[o];
    }
  }
}

void init_olora(TiledMatrix& matrix, const LoraEntry& entry) {
  Rows q = matrix.first_columns(entry.rank());
  orthonormalize(q);
  const Rows r = matrix.transposed_times(q);
  std::ranges::copy(r.values, entry.a.values().begin());
  for (int64_t o = 0; o < matrix.out(); ++o) {
    for (int64_t k = 0; k < entry.rank(); ++k) entry.b.row(o)[k] = q.row(k)[o];
  }
}

const io::TensorInfo& matrix_of(const LoraEntry& entry, const io::ModelFile& base) {
  const std::string name = entry.site + ".weight";
  const io::TensorInfo* tensor = base.find(name);
  if (tensor == nullptr || tensor->row_length() != entry.a.cols() || tensor->rows() != entry.b.rows()) {
    fail(ErrorKind::kInvalidData, "{} holds no matrix {} of {} x {} to begin with", base.path().string(),
         io::printable(name), entry.b.rows(), entry.a.cols());
  }
  if (entry.rank() > std::min(entry.a.cols(), entry.b.rows())) {
    fail(ErrorKind::kInvalidArgument, "a rank of {} is more than {} has, which is {} x {}; give a smaller --lora-rank",
         entry.rank(), entry.site, entry.b.rows(), entry.a.cols());
  }
  return *tensor;
}

// [x; y] and [x, y].
tensor::Tensor above(const tensor::Tensor& x, const tensor::Tensor& y, tensor::BufferPool& pool) {
  tensor::Tensor result = pool.make(x.rows() + y.rows(), x.cols());
  std::ranges::copy(x.values(), result.values().begin());
  std::ranges::copy(y.values(), result.values().begin() + x.size());
  return result;
}
tensor::Tensor beside(const tensor::Tensor& x, const tensor::Tensor& y, tensor::BufferPool& pool) {
  tensor::Tensor result = pool.make(x.rows(), x.cols() + y.cols());
  for (int64_t i = 0; i < x.rows(); ++i) {
    std::copy_n(x.row(i), x.cols(), result.row(i));
    std::copy_n(y.row(i), y.cols(), result.row(i) + x.cols());
  }
  return result;
}

tensor::Tensor minus(const tensor::Tensor& x, const tensor::Tensor& y, tensor::BufferPool& pool) {
  tensor::Tensor result = pool.make(x.rows(), x.cols());
  std::ranges::transform(x.values(), y.values(), result.values().begin(), std::minus<>());
  return result;
}

}  // namespace

void init_from_base(const LoraAdapter& adapter, const io::ModelFile& base, PrincipalInit init, uint64_t seed,
                    const ops::Context& context) {
  for (const LoraEntry& entry : adapter.entries) matrix_of(entry, base);
  const auto count = static_cast<int64_t>(adapter.entries.size());
  context.pool.parallel_for(count, 1, [&](int64_t begin, int64_t end, int /*worker*/) {
    for (int64_t i = begin; i < end; ++i) {
      const LoraEntry& entry = adapter.entries[static_cast<size_t>(i)];
      TiledMatrix matrix(matrix_of(entry, base), context);
      if (init == PrincipalInit::kPissa) {
        init_pissa(matrix, entry, adapter.scale(entry), mix(seed + static_cast<uint64_t>(i)));
      } else {
        init_olora(matrix, entry);
      }
    }
  });
}

LoraAdapter clone(const LoraAdapter& adapter) {
  LoraAdapter copy = adapter;
  tensor::BufferPool pool;
  for (LoraEntry& entry : copy.entries) {
    for (tensor::Tensor* tensor : {&entry.a, &entry.b}) {
      const tensor::Tensor fresh = pool.make(tensor->rows(), tensor->cols());
      std::ranges::copy(tensor->values(), fresh.values().begin());
      *tensor = fresh;
    }
  }
  return copy;
}

LoraAdapter difference(const LoraAdapter& trained, const LoraAdapter& initial) {
  LoraAdapter result = trained;
  result.alpha *= 2;
  tensor::BufferPool pool;
  for (size_t i = 0; i < trained.entries.size(); ++i) {
    const LoraEntry& now = trained.entries[i];
    const LoraEntry& then = initial.entries[i];
    result.entries[i].a = above(now.a, minus(now.a, then.a, pool), pool);
    result.entries[i].b = beside(minus(now.b, then.b, pool), then.b, pool);
  }
  return result;
}

}  // namespace patina::adapter
