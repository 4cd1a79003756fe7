#include "train/gradient_sum.h"

#include <algorithm>
#include <chrono>

#include "base/error.h"

namespace patina::train {

GradientSum::GradientSum(Teamwork& work, const Parameters& parameters, size_t portion)
    : work_(work), parameters_(parameters) {
  if (work.alone()) return;
  const size_t count = parameters.gradients().size();
  for (size_t i = 0; i < count; ++i) numbers_[parameters.key(i)] = i;
  final_.resize(count);
  make_portions(portion);
  own_.resize(portions_.back().begin + portions_.back().size);
  sum_.resize(own_.size());
}

void GradientSum::make_portions(size_t least) {
  const std::span<const std::span<float>> gradients = parameters_.gradients();
  size_t begin = 0;
  for (size_t i = gradients.size(); i > 0; --i) {
    if (portions_.empty() || portions_.back().size >= least) portions_.push_back({i - 1, 0, begin, 0});
    ++portions_.back().count;
    portions_.back().size += gradients[i - 1].size();
    begin += gradients[i - 1].size();
  }
}

void GradientSum::on_gradient(const void* key) {
  if (!last_pass_) return;
  const auto found = numbers_.find(key);
  if (found == numbers_.end()) return;
  if (final_[found->second]) fail(ErrorKind::kUnsupported, "a layer with an adapter was used twice in one pass");
  final_[found->second] = true;
  send_ready_ones();
}

void GradientSum::send_ready_ones() {
  const auto is_ready = [&](const Portion& portion) {
    for (size_t i = 0; i < portion.count; ++i) {
      if (!final_[portion.first - i]) return false;
    }
    return true;
  };
  while (sent_ < portions_.size() && is_ready(portions_[sent_])) send(portions_[sent_++]);
}

void GradientSum::send(const Portion& portion) {
  auto out = own_.begin() + static_cast<std::ptrdiff_t>(portion.begin);
  for (size_t i = 0; i < portion.count; ++i) {
    out = std::ranges::copy(parameters_.gradients()[portion.first - i], out).out;
  }
  const std::span<const float> own = std::span(own_).subspan(portion.begin, portion.size);
  work_.team().start_sum(own, std::span(sum_).subspan(portion.begin, portion.size));
  bytes_ += own.size_bytes();
}

void GradientSum::finish() {
  if (work_.alone()) return;
  const auto start = std::chrono::steady_clock::now();
  while (sent_ < portions_.size()) send(portions_[sent_++]);
  work_.wait();
  seconds_waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  auto in = sum_.begin();
  for (size_t i = parameters_.gradients().size(); i > 0; --i) {
    const std::span<float> gradient = parameters_.gradients()[i - 1];
    std::copy_n(in, gradient.size(), gradient.begin());
    in += static_cast<std::ptrdiff_t>(gradient.size());
  }
  std::fill(final_.begin(), final_.end(), false);
  sent_ = 0;
  last_pass_ = false;
}

}  // namespace patina::train
