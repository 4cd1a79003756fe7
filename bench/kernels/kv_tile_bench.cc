#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/dispatch.h"

// Products with one tile of a cache that lies in the first-level cache, keys/TYPE/DIM/ROWS and values/TYPE/DIM/ROWS
// (zen4 also f32/keys/… and f32/values/…, which do not round), on one thread at every level that the processor has.
// Hold the GFLOP/s against twice the f32_peak that matmul_bench tells, of zen4, which multiplies bf16 in twos, against
// four times that.
namespace patina::kernels {
namespace {

struct Shape {
  quant::DType type;
  int64_t dim;
  int64_t rows;
};

std::vector<float> numbers(int64_t n) {
  std::vector<float> out(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) out[static_cast<size_t>(i)] = static_cast<float>(i * 37 % 101) / 50.0F - 1.0F;
  return out;
}

std::vector<std::byte> tile(const Shape& s, decltype(KvTileKernels::store_key) store) {
  std::vector<std::byte> out(static_cast<size_t>(kKvTile * quant::row_bytes(s.type, s.dim)));
  const auto x = numbers(s.dim);
  for (int64_t position = 0; position < kKvTile; ++position) store(s.type, x.data(), s.dim, position, out.data());
  return out;
}

void count(benchmark::State& state, const Shape& s) {
  const double flops = 2.0 * static_cast<double>(s.rows * s.dim * kKvTile);
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void keys(benchmark::State& state, const KvTileKernels& kernels, const Shape& s) {
  const auto memory = tile(s, kernels.store_key);
  const auto q = numbers(s.rows * s.dim);
  auto scores = numbers(s.rows * kKvTile);
  for (auto _ : state) {
    kernels.multiply_keys(s.type, q.data(), s.rows, s.dim, memory.data(), kKvTile, scores.data());
    benchmark::ClobberMemory();
  }
  count(state, s);
}

void values(benchmark::State& state, const KvTileKernels& kernels, const Shape& s) {
  const auto memory = tile(s, kernels.store_value);
  const auto weights = numbers(s.rows * kKvTile);
  auto sums = numbers(s.rows * s.dim);
  for (auto _ : state) {
    kernels.add_values(s.type, weights.data(), s.rows, s.dim, memory.data(), kKvTile, sums.data());
    benchmark::ClobberMemory();
  }
  count(state, s);
}

void list(const std::string& name, const KvTileKernels& kernels, const Shape& s) {
  const std::string end =
      '/' + std::string(quant::name(s.type)) + '/' + std::to_string(s.dim) + '/' + std::to_string(s.rows);
  benchmark::RegisterBenchmark((name + "/keys" + end).c_str(),
                               [&kernels, s](benchmark::State& state) { keys(state, kernels, s); });
  benchmark::RegisterBenchmark((name + "/values" + end).c_str(),
                               [&kernels, s](benchmark::State& state) { values(state, kernels, s); });
}

void list(const Kernels& level, const Shape& s) {
  const std::string name(level.name);
  list(name, level.kv_tile, s);
  if (level.kv_tile.multiply_keys != level.kv_tile_f32.multiply_keys) list(name + "/f32", level.kv_tile_f32, s);
}

}  // namespace
}  // namespace patina::kernels

int main(int argc, char** argv) {
  using namespace patina::kernels;
  for (const Level level : available_levels()) {
    for (const auto type : {patina::quant::DType::kF16, patina::quant::DType::kQ8_0}) {
      for (const int64_t dim : {64, 128, 256}) {
        for (const int64_t rows : {1, 4, 8, 64}) list(kernels_for(level), {type, dim, rows});
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
