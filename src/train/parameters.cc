#include "train/parameters.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace patina::train {
namespace {

std::vector<size_t> sizes_of(const adapter::LoraAdapter& adapter) {
  std::vector<size_t> sizes;
  for (const adapter::LoraEntry& entry : adapter.entries) {
    sizes.push_back(entry.a.values().size());
    sizes.push_back(entry.b.values().size());
  }
  return sizes;
}

}  // namespace

Parameters::Parameters(const adapter::LoraAdapter& adapter, tensor::BufferPool& buffers, AdamWOptions options)
    : optimizer_(sizes_of(adapter), options) {
  for (const adapter::LoraEntry& entry : adapter.entries) {
    for (const auto& [half, tensor] : {std::pair(".lora_a", entry.a), std::pair(".lora_b", entry.b)}) {
      tensor.set_needs_grad(true);
      parameters_.push_back({entry.site + half, tensor, buffers.make_zero(tensor.rows(), tensor.cols())});
    }
  }
  for (const Parameter& parameter : parameters_) {
    values_.push_back(parameter.value.values());
    gradients_.push_back(parameter.gradient.values());
    constant_gradients_.emplace_back(parameter.gradient.values());
  }
}

void Parameters::zero_gradients() {
  for (const std::span<float> gradient : gradients_) std::ranges::fill(gradient, 0.0F);
}

void Parameters::accumulate_from(autograd::Tape& tape) const {
  for (const Parameter& parameter : parameters_) tape.accumulate_into(parameter.value, parameter.gradient);
}

double Parameters::step(double learning_rate, double max_norm) {
  const double norm = clip_global_norm(gradients_, max_norm);
  if (std::isfinite(norm)) optimizer_.step(values_, constant_gradients_, learning_rate);
  return norm;
}

std::vector<ParameterState> Parameters::state() {
  std::vector<ParameterState> state;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Parameter& parameter = parameters_[i];
    state.push_back({parameter.name,
                     {parameter.value.cols(), parameter.value.rows()},
                     parameter.value.values(),
                     optimizer_.first_moment(i),
                     optimizer_.second_moment(i)});
  }
  return state;
}

void Parameters::restore(const Checkpoint& checkpoint) {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const ParameterState& saved = checkpoint.parameters[i];
    std::ranges::copy(saved.value, values_[i].begin());
    std::ranges::copy(saved.first_moment, optimizer_.first_moment(i).begin());
    std::ranges::copy(saved.second_moment, optimizer_.second_moment(i).begin());
  }
  optimizer_.set_steps(checkpoint.step);
}

}  // namespace patina::train
