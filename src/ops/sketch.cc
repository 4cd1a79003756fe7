#include "ops/sketch.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/error.h"
#include "ops/product.h"

namespace patina::ops {

namespace {

using kernels::kPanelRows;

constexpr int64_t kBlock = 32;  // columns, of kQ4_0

struct Place {
  float value;
  int64_t row;
  bool operator>(const Place& other) const { return value > other.value; }
};

// The places of the largest values seen, at most `count` of them.
class Largest {
 public:
  explicit Largest(int64_t count) : count_(static_cast<size_t>(count)) { places_.reserve(count_); }

  void add(float value, int64_t row) {
    if (places_.size() < count_) {
      places_.push_back({value, row});
      std::push_heap(places_.begin(), places_.end(), std::greater<>());
    } else if (value > places_.front().value) {
      std::pop_heap(places_.begin(), places_.end(), std::greater<>());
      places_.back() = {value, row};
      std::push_heap(places_.begin(), places_.end(), std::greater<>());
    }
  }
  // The values of rows [begin, end).
  void add(const float* values, int64_t begin, int64_t end) {
    if (places_.size() == count_) {  // mostly none is large enough
      const float least = places_.front().value;
      int larger = 0;
      for (int64_t r = begin; r < end; ++r) larger |= values[r] > least ? 1 : 0;
      if (larger == 0) return;
    }
    for (int64_t r = begin; r < end; ++r) add(values[r], r);
  }
  const std::vector<Place>& places() const { return places_; }

 private:
  size_t count_;
  std::vector<Place> places_;  // a heap, the least in front
};

// One pass over a matrix for a few tokens.
class Search {
 public:
  Search(Context& context, const PackedMatrix& matrix, const PackedMatrix& coarse, const Tensor& x,
         std::span<const int64_t> wanted)
      : context_(context),
        matrix_(matrix),
        coarse_(coarse),
        input_(x),
        wanted_(wanted),
        y_(context.make(x.rows(), matrix.rows())),
        exact_(static_cast<size_t>(matrix.panels())) {
    input_.include(context, coarse);
    input_.include(context, matrix);
    scratch_.include(context, matrix, x.rows());
    scratch_.make(context);
  }

  Tensor run(std::span<const float> profile, std::span<const float> deviations) {
    multiply_coarsely();
    multiply_best();
    multiply_rest(profile, deviations);
    return y_;
  }

 private:
  // Twice as many as wanted: the more of the best are known, the fewer others can be among them.
  void multiply_coarsely() {
    std::vector<std::vector<Largest>> found(static_cast<size_t>(context_.pool.size()));
    for (std::vector<Largest>& of_worker : found) {
      for (const int64_t wanted : wanted_) of_worker.emplace_back(2 * wanted);
    }
    const int64_t work = y_.size() * coarse_.cols();
    context_.parallel(coarse_.panels(), panel_chunk(context_, coarse_.panels(), 1), work,
                      [&](int64_t begin, int64_t end, int worker) {
                        multiply(context_, coarse_, input_, begin, end, y_, scratch_, worker);
                        for (int64_t t = 0; t < y_.rows(); ++t) {
                          Largest& largest = found[static_cast<size_t>(worker)][static_cast<size_t>(t)];
                          for (int64_t p = begin; p < end; ++p) {
                            largest.add(y_.row(t), p * kPanelRows, rows_end(p + 1));
                          }
                        }
                      });
    for (int64_t t = 0; t < y_.rows(); ++t) {
      Largest best(2 * wanted_[t]);
      for (const std::vector<Largest>& of_worker : found) {
        for (const Place& place : of_worker[static_cast<size_t>(t)].places()) best.add(place.value, place.row);
      }
      best_.push_back(best.places());
    }
  }

  // Multiplies the best rows exactly and learns what a value must reach to be among the wanted.
  void multiply_best() {
    std::vector<int64_t> panels;
    for (const std::vector<Place>& places : best_) {
      for (const Place& place : places) {
        char& exact = exact_[static_cast<size_t>(place.row / kPanelRows)];
        if (exact == 0) panels.push_back(place.row / kPanelRows);
        exact = 1;
      }
    }
    const auto count = static_cast<int64_t>(panels.size());
    context_.parallel(count, 1, count * kPanelRows * matrix_.cols() * y_.rows(),
                      [&](int64_t begin, int64_t end, int worker) {
                        for (int64_t i = begin; i < end; ++i) multiply_panel(panels[static_cast<size_t>(i)], worker);
                      });
    for (int64_t t = 0; t < y_.rows(); ++t) {
      Largest exact(wanted_[t]);
      for (const Place& place : best_[static_cast<size_t>(t)]) exact.add(y_.row(t)[place.row], place.row);
      least_.push_back(exact.places().front().value);
    }
  }

  void multiply_rest(std::span<const float> profile, std::span<const float> deviations) {
    std::vector<float> margins;
    for (int64_t t = 0; t < y_.rows(); ++t) {
      float squares = 0;
      for (size_t b = 0; b < profile.size(); ++b) {
        const float* x = input_.x().row(t) + static_cast<int64_t>(b) * kBlock;
        squares += profile[b] * context_.kernels.vector.sum_squares(x, kBlock);
      }
      margins.push_back(Sketch::kDeviations * std::sqrt(squares));
    }
    context_.parallel(matrix_.panels(), 64, y_.size(), [&](int64_t begin, int64_t end, int worker) {
      for (int64_t p = begin; p < end; ++p) {
        if (exact_[static_cast<size_t>(p)] == 0 && reaches(p, deviations, margins)) multiply_panel(p, worker);
      }
    });
  }

  // Whether some row of the panel can be among the wanted; of values that are not numbers, any.
  bool reaches(int64_t panel, std::span<const float> deviations, std::span<const float> margins) const {
    const int64_t begin = panel * kPanelRows;
    for (int64_t t = 0; t < y_.rows(); ++t) {
      const float* values = y_.row(t);
      int reaching = 0;
      for (int64_t r = begin; r < rows_end(panel + 1); ++r) {
        reaching |= values[r] + margins[t] * deviations[r] < least_[t] ? 0 : 1;
      }
      if (reaching != 0) return true;
    }
    return false;
  }

  void multiply_panel(int64_t panel, int worker) {
    multiply(context_, matrix_, input_, panel, panel + 1, y_, scratch_, worker);
  }

  int64_t rows_end(int64_t panel_end) const { return std::min(panel_end * kPanelRows, matrix_.rows()); }

  Context& context_;
  const PackedMatrix& matrix_;
  const PackedMatrix& coarse_;
  ProductInput input_;
  Scratch scratch_;
  std::span<const int64_t> wanted_;
  Tensor y_;
  std::vector<char> exact_;               // of each panel, whether multiply_best() did it
  std::vector<std::vector<Place>> best_;  // of each token, by the coarse values
  std::vector<float> least_;              // of each token, the least exact value among the wanted
};

// How the rounding errors of a row spread over its blocks on the average: the mean square of each over that of the row.
// From panels all over the matrix.
std::vector<float> profile_of(const kernels::Kernels& kernels, const PackedMatrix& matrix) {
  constexpr int64_t kPanels = 256;
  constexpr double kLeast = 1.0 / 16;
  const auto blocks = static_cast<size_t>(matrix.cols() / kBlock);
  const int64_t panel_bytes = kernels::panel_bytes(matrix.type(), matrix.cols());
  platform::HugeBuffer sketch(static_cast<size_t>(kernels::panel_bytes(quant::DType::kQ4_0, matrix.cols())));
  std::vector<float> lost(blocks * kPanelRows);
  std::vector<double> shares(blocks);
  int64_t rows = 0;
  for (int64_t p = 0; p < matrix.panels(); p += std::max(matrix.panels() / kPanels, int64_t{1})) {
    kernels::PackedView panel = matrix.view();
    panel.data += p * panel_bytes;
    panel.rows -= p * kPanelRows;
    kernels.matmul.sketch_panels(panel, {0, 1}, sketch.data(), lost.data());
    for (size_t r = 0; r < kPanelRows; ++r) {
      double sum = 0;
      for (size_t b = 0; b < blocks; ++b) sum += lost[b * kPanelRows + r];
      if (sum <= 0 || !std::isfinite(sum)) continue;
      for (size_t b = 0; b < blocks; ++b) shares[b] += lost[b * kPanelRows + r] / sum * static_cast<double>(blocks);
      ++rows;
    }
  }
  std::vector<float> profile;
  profile.reserve(blocks);
  for (const double share : shares) {
    profile.push_back(static_cast<float>(rows > 0 ? std::max(share / static_cast<double>(rows), kLeast) : 1.0));
  }
  return profile;
}

// For each row of some panels, with the mean squares lost [panels][blocks][kPanelRows], the least deviation of which no
// block has more than the profile says.
void write_deviations(std::span<const float> lost, std::span<const float> profile, float* deviations) {
  for (; !lost.empty(); lost = lost.subspan(profile.size() * kPanelRows), deviations += kPanelRows) {
    for (size_t r = 0; r < kPanelRows; ++r) {
      float most = 0;
      for (size_t b = 0; b < profile.size(); ++b) most = std::max(most, lost[b * kPanelRows + r] / profile[b]);
      deviations[r] = std::sqrt(most);
    }
  }
}

}  // namespace

bool Sketch::pays(const PackedMatrix& matrix, int64_t read_bytes) {
  constexpr int64_t kManyRows = 16384;
  if (matrix.rows() < kManyRows || matrix.cols() % kBlock != 0) return false;
  return 16 * (matrix.bytes() - bytes(matrix)) >= read_bytes;
}

int64_t Sketch::bytes(const PackedMatrix& matrix) {
  const int64_t panel = kernels::panel_bytes(quant::DType::kQ4_0, matrix.cols()) + kPanelRows * int64_t{sizeof(float)};
  return matrix.panels() * panel;
}

Sketch::Sketch(ThreadPool& pool, const kernels::Kernels& kernels, const PackedMatrix& matrix)
    : matrix_(&matrix), deviations_(static_cast<size_t>(matrix.panels() * kPanelRows)) {
  if (matrix.cols() % kBlock != 0) {
    fail(ErrorKind::kInvalidArgument, "a matrix of {} columns cannot be sketched; it takes a multiple of {}",
         matrix.cols(), kBlock);
  }
  profile_ = profile_of(kernels, matrix);
  coarse_ = PackedMatrix(pool, quant::DType::kQ4_0, matrix.rows(), matrix.cols(),
                         [&](int64_t begin, int64_t end, std::byte* sketch) {
                           std::vector<float> lost(static_cast<size_t>(end - begin) * profile_.size() * kPanelRows);
                           kernels.matmul.sketch_panels(matrix.view(), {begin, end}, sketch, lost.data());
                           write_deviations(lost, profile_, deviations_.data() + begin * kPanelRows);
                         });
}

Tensor Sketch::largest(Context& context, const Tensor& x, std::span<const int64_t> wanted) const {
  return Search(context, *matrix_, coarse_, x, wanted).run(profile_, deviations_);
}

}  // namespace patina::ops
