#include "train/parameters.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/digest.h"
#include "base/error.h"
#include "train/clipping.h"

namespace patina::train {
namespace {

constexpr std::string_view kSuffixA = ".lora_a";
constexpr std::string_view kSuffixB = ".lora_b";
constexpr std::string_view kSuffixMagnitude = ".lora_magnitude";

}  // namespace

std::vector<Parameters::Parameter> Parameters::parameters_of(const adapter::LoraAdapter& adapter,
                                                             tensor::BufferPool& buffers) {
  std::vector<Parameter> parameters;
  for (const adapter::LoraEntry& entry : adapter.entries) {
    for (const auto& [part, tensor] :
         {std::pair(kSuffixA, entry.a), std::pair(kSuffixB, entry.b), std::pair(kSuffixMagnitude, entry.magnitude)}) {
      if (!tensor) continue;
      tensor.set_needs_grad(true);
      parameters.push_back({entry.site + std::string(part), tensor, buffers.make_zero(tensor.rows(), tensor.cols())});
    }
  }
  return parameters;
}

std::vector<std::span<float>> Parameters::values_of(const std::vector<Parameter>& parameters) {
  std::vector<std::span<float>> values;
  values.reserve(parameters.size());
  for (const Parameter& parameter : parameters) values.push_back(parameter.value.values());
  return values;
}

Parameters::Parameters(const adapter::LoraAdapter& adapter, tensor::BufferPool& buffers,
                       const ParameterOptions& options)
    : parameters_(parameters_of(adapter, buffers)),
      values_(values_of(parameters_)),
      average_(values_, options.average_decay) {
  if (!std::isfinite(options.b_rate_factor) || options.b_rate_factor <= 0) {
    fail(ErrorKind::kInvalidArgument, "--lora-plus-ratio must be above 0");
  }
  std::vector<OptimizedParameter> optimized;
  for (const Parameter& parameter : parameters_) {
    gradients_.push_back(parameter.gradient.values());
    constant_gradients_.emplace_back(parameter.gradient.values());
    const bool is_b = parameter.name.ends_with(kSuffixB) && !parameter.name.starts_with(adapter::kEmbeddingName);
    optimized.push_back({parameter.value.values().size(), is_b ? options.b_rate_factor : 1});
  }
  optimizer_ = make_optimizer(optimized, options.optimizer);
}

void Parameters::zero_gradients() {
  for (const std::span<float> gradient : gradients_) std::ranges::fill(gradient, 0.0F);
}

void Parameters::accumulate_from(autograd::Tape& tape) const {
  for (const Parameter& parameter : parameters_) tape.accumulate_into(parameter.value, parameter.gradient);
}

double Parameters::step(double learning_rate, double max_norm) {
  const double norm = clip_global_norm(gradients_, max_norm);
  if (!std::isfinite(norm)) return norm;
  optimizer_->step(values_, constant_gradients_, learning_rate);
  average_.update(values_, optimizer_->steps());
  return norm;
}

std::vector<StateArray> Parameters::arrays(size_t parameter) {
  std::vector<StateArray> arrays = optimizer_->state(parameter);
  if (average_.enabled()) arrays.push_back({"average", std::as_writable_bytes(average_.of(parameter))});
  return arrays;
}

std::vector<ParameterState> Parameters::state() {
  std::vector<ParameterState> states;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const tensor::Tensor& value = parameters_[i].value;
    ParameterState state = {parameters_[i].name, {value.cols(), value.rows()}, value.values(), {}};
    for (const StateArray& array : arrays(i)) state.arrays.push_back({std::string(array.name), array.bytes});
    states.push_back(std::move(state));
  }
  return states;
}

void Parameters::restore(const Checkpoint& checkpoint) {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const ParameterState& saved = checkpoint.parameters[i];
    std::ranges::copy(saved.value, values_[i].begin());
    const std::vector<StateArray> own = arrays(i);
    for (size_t k = 0; k < own.size(); ++k) std::ranges::copy(saved.arrays[k].bytes, own[k].bytes.begin());
  }
  set_steps(checkpoint.step);
}

std::vector<std::span<std::byte>> Parameters::bytes() {
  std::vector<std::span<std::byte>> all;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    all.push_back(std::as_writable_bytes(values_[i]));
    for (const StateArray& array : arrays(i)) all.push_back(array.bytes);
  }
  return all;
}

uint64_t Parameters::digest() const {
  Digest digest;
  for (const std::span<float> values : values_) digest.add(std::as_bytes(values));
  return digest.value();
}

}  // namespace patina::train
