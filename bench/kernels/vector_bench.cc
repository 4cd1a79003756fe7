#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/dispatch.h"

// Small matrix products in the shapes of attention and of adapters, and the element-wise loops, on one thread at every
// level that the processor has. Hold the products' GFLOP/s against twice the f32_peak that matmul_bench tells.
namespace patina::kernels {
namespace {

struct Shape {
  const char* name;
  bool trans_a, trans_b;
  int64_t m, n, k;
};

constexpr Shape kShapes[] = {
    {"square", false, false, 384, 384, 512},
    {"attention_scores", false, true, 64, 64, 128},
    {"attention_scores_group4", false, true, 256, 64, 64},
    {"attention_values", false, false, 64, 128, 64},
    {"attention_one_query", false, true, 1, 64, 128},
    {"attention_one_value", false, false, 1, 128, 64},
    {"lora_down_r8", false, true, 512, 8, 2048},
    {"lora_down_r16", false, true, 512, 16, 2048},
    {"lora_down_r64", false, true, 512, 64, 2048},
    {"lora_up_r8", false, true, 512, 2048, 8},
    {"lora_up_r16", false, true, 512, 2048, 16},
    {"lora_one_token", false, true, 1, 16, 2048},
    {"lora_grad_down_r16", true, false, 16, 2048, 512},
    {"lora_grad_up_r16", true, false, 2048, 16, 512},
    {"lora_dx_r16", false, false, 512, 2048, 16},
};

std::vector<float> numbers(int64_t n) {
  std::vector<float> out(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) out[static_cast<size_t>(i)] = static_cast<float>(i * 37 % 101) / 50.0F - 1.0F;
  return out;
}

void sgemm(benchmark::State& state, const VectorKernels& kernels, const Shape& s) {
  const auto a = numbers(s.m * s.k);
  const auto b = numbers(s.n * s.k);
  auto c = numbers(s.m * s.n);
  for (auto _ : state) {
    kernels.sgemm(s.trans_a, s.trans_b, s.m, s.n, s.k, 1.0F, a.data(), s.trans_a ? s.m : s.k, b.data(),
                  s.trans_b ? s.k : s.n, 0.0F, c.data(), s.n);
    benchmark::ClobberMemory();
  }
  const double flops = 2.0 * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(s.k);
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void elements(benchmark::State& state, void (*run)(const VectorKernels&, std::vector<float>&, std::vector<float>&),
              const VectorKernels& kernels) {
  auto x = numbers(4096);
  auto y = numbers(4096);
  for (auto _ : state) {
    run(kernels, x, y);
    benchmark::ClobberMemory();
  }
  state.counters["Gelement/s"] = benchmark::Counter(4096e-9, benchmark::Counter::kIsIterationInvariantRate);
}

constexpr struct {
  const char* name;
  void (*run)(const VectorKernels&, std::vector<float>&, std::vector<float>&);
} kLoops[] = {
    {"dot",
     [](const VectorKernels& k, auto& x, auto& y) { benchmark::DoNotOptimize(k.dot(x.data(), y.data(), 4096)); }},
    {"exp", [](const VectorKernels& k, auto& x, auto&) { benchmark::DoNotOptimize(k.sum_exp(x.data(), 1.0F, 4096)); }},
    {"silu", [](const VectorKernels& k, auto& x, auto& y) { k.silu_mul(x.data(), x.data(), y.data(), 4096); }},
    {"gelu", [](const VectorKernels& k, auto& x, auto& y) { k.gelu_mul(x.data(), x.data(), y.data(), 4096); }},
    {"rms_norm",
     [](const VectorKernels& k, auto& x, auto& y) { k.rms_norm(x.data(), x.data(), 1.0F, y.data(), 4096); }},
};

}  // namespace
}  // namespace patina::kernels

int main(int argc, char** argv) {
  using namespace patina::kernels;
  for (const Level level : available_levels()) {
    const Kernels& table = kernels_for(level);
    for (const Shape& shape : kShapes) {
      benchmark::RegisterBenchmark((std::string(table.name) + "/sgemm/" + shape.name).c_str(),
                                   [&](benchmark::State& state) { sgemm(state, table.vector, shape); });
    }
    for (const auto& loop : kLoops) {
      benchmark::RegisterBenchmark((std::string(table.name) + "/" + loop.name).c_str(),
                                   [&](benchmark::State& state) { elements(state, loop.run, table.vector); });
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
