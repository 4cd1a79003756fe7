#include "adapter/combine.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "adapter/lora_tensors.h"
#include "base/error.h"

namespace patina::adapter {

namespace {

// What one adapter adds at a layer.
struct Share {
  const LoraEntry* entry;
  float factor;
};

struct Layer {
  std::string site;
  std::vector<Share> shares;
};

// The common value, or nothing where two differ; empty values have no say.
template <typename T>
T agreed(std::span<const WeightedAdapter> adapters, T LoraAdapter::* member) {
  T common{};
  for (const WeightedAdapter& one : adapters) {
    const T& own = one.adapter->*member;
    if (own == T{}) continue;
    if (common != T{} && common != own) return {};
    common = own;
  }
  return common;
}

std::vector<Layer> layers_of(std::span<const WeightedAdapter> adapters) {
  std::vector<Layer> layers;
  std::map<std::string_view, size_t> index;
  for (const WeightedAdapter& one : adapters) {
    if (one.weight == 0.0F) continue;
    for (const LoraEntry& entry : one.adapter->entries) {
      const auto [found, is_new] = index.emplace(entry.site, layers.size());
      if (is_new) layers.push_back({entry.site, {}});
      layers[found->second].shares.push_back({&entry, one.weight * one.adapter->scale(entry)});
    }
  }
  return layers;
}

LoraEntry join(const Layer& layer, tensor::BufferPool& pool) {
  const LoraEntry& first = *layer.shares.front().entry;
  int64_t rank = 0;
  for (const Share& share : layer.shares) {
    const LoraEntry& entry = *share.entry;
    if (entry.a.cols() != first.a.cols() || entry.b.rows() != first.b.rows()) {
      fail(ErrorKind::kIncompatible,
           "the adapters belong to different models: {} is {} x {} in one, {} x {} in another", layer.site,
           first.b.rows(), first.a.cols(), entry.b.rows(), entry.a.cols());
    }
    rank += entry.rank();
  }
  if (rank > kMaxRank) {
    fail(ErrorKind::kInvalidArgument, "together the adapters have rank {} at {}; {} is the most", rank, layer.site,
         kMaxRank);
  }
  LoraEntry joined{layer.site, pool.make(rank, first.a.cols()), pool.make(first.b.rows(), rank)};
  int64_t begin = 0;
  for (const Share& share : layer.shares) {
    const tensor::Tensor b = multiplied(share.entry->b, share.factor, pool);
    std::ranges::copy(share.entry->a.values(), joined.a.row(begin));
    for (int64_t i = 0; i < b.rows(); ++i) std::copy_n(b.row(i), b.cols(), joined.b.row(i) + begin);
    begin += share.entry->rank();
  }
  return joined;
}

}  // namespace

LoraAdapter concatenated(std::span<const WeightedAdapter> adapters) {
  if (adapters.empty()) fail(ErrorKind::kInvalidArgument, "there are no adapters to put together");
  LoraAdapter result;
  result.architecture = adapters.front().adapter->architecture;
  std::vector<LoraAdapter> all;
  for (const WeightedAdapter& one : adapters) {
    require_no_magnitudes(*one.adapter, "be put together with others");
    if (one.adapter->architecture != result.architecture) {
      fail(ErrorKind::kIncompatible, "the adapters were made for models of different architectures, {} and {}",
           result.architecture, one.adapter->architecture);
    }
    if (!std::isfinite(one.weight)) {
      fail(ErrorKind::kInvalidArgument, "the weight of an adapter is {}; give a number", one.weight);
    }
    all.push_back(*one.adapter);
  }
  result.prompt_template = shared_prompt_template(all);
  result.name = agreed(adapters, &LoraAdapter::name);
  result.base_name = agreed(adapters, &LoraAdapter::base_name);
  result.base_fingerprint = agreed(adapters, &LoraAdapter::base_fingerprint);
  tensor::BufferPool pool;
  for (const Layer& layer : layers_of(adapters)) result.entries.push_back(join(layer, pool));
  if (result.entries.empty()) fail(ErrorKind::kInvalidArgument, "with weights of 0 nothing is left of the adapters");
  set_scales(result, std::vector<float>(result.entries.size(), 1.0F));
  return result;
}

LoraAdapter scaled(const LoraAdapter& adapter, float factor) {
  if (!std::isfinite(factor)) fail(ErrorKind::kInvalidArgument, "the factor is {}; give a number", factor);
  require_no_magnitudes(adapter, "be scaled");
  LoraAdapter result = adapter;
  if (factor != 0.0F && adapter.alpha != 0.0F) {
    result.alpha *= factor;
    if (std::isfinite(result.alpha) && result.alpha != 0.0F) return result;
    fail(ErrorKind::kInvalidArgument, "an alpha of {} times {} is beyond what a number can hold", adapter.alpha,
         factor);
  }
  tensor::BufferPool pool;
  for (LoraEntry& entry : result.entries) entry.b = multiplied(entry.b, factor, pool);
  return result;
}

// ||B A||^2 is the sum of (B'B) * (A A') over their elements, each rank x rank.
double product_norm(const LoraAdapter& adapter, const LoraEntry& entry) {
  double sum = 0;
  for (int64_t p = 0; p < entry.rank(); ++p) {
    for (int64_t q = 0; q < entry.rank(); ++q) {
      double of_a = 0;
      double of_b = 0;
      for (int64_t i = 0; i < entry.a.cols(); ++i) of_a += double{entry.a.row(p)[i]} * entry.a.row(q)[i];
      for (int64_t i = 0; i < entry.b.rows(); ++i) of_b += double{entry.b.row(i)[p]} * entry.b.row(i)[q];
      sum += of_a * of_b;
    }
  }
  return std::fabs(double{adapter.scale(entry)}) * std::sqrt(std::max(sum, 0.0));
}

}  // namespace patina::adapter
