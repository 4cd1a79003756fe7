#include <benchmark/benchmark.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/dispatch.h"
#include "kernels/matmul.h"
#include "kernels/packed_layout.h"
#include "measure/machine_limits.h"
#include "platform/huge_buffer.h"
#include "quant/dtype.h"
#include "threading/thread_pool.h"

// Packed multiplications on one thread, at the default level (PATINA_ISA forces another).
//   prompt/TYPE     512 tokens,  counters: GMAC/s with the quantization of the activations included
//   generate/TYPE/m  m tokens against weights that no cache holds, counters: GB/s of packed weights
//   backward/TYPE   512 tokens,  GMAC/s
//   integer_backward/TYPE  the same in integers of 8 or 16 bits (bf16 with AMX), gradients rounded first
//   pack/TYPE       GB/s of file bytes
//   sketch/TYPE     GB/s of packed weights, of which a coarse copy is made
// The limits to hold them against stand above the results: GB/s of reading, GMAC/s of the int8, int16 and f32 peaks.
namespace {

using patina::kernels::MatmulKernels;
using patina::platform::HugeBuffer;
using patina::quant::DType;
using Counter = benchmark::Counter;

const MatmulKernels& table() { return patina::kernels::default_kernels().matmul; }

void set_rate(benchmark::State& state, const char* name, double per_iteration) {
  state.counters[name] = Counter(per_iteration * 1e-9, Counter::kIsIterationInvariantRate);
}

HugeBuffer random_file(DType type, int64_t rows, int64_t cols) {
  HugeBuffer file(static_cast<size_t>(rows * patina::quant::row_bytes(type, cols)));
  std::mt19937 random(1);
  // Small positive f16 wherever a scale may lie.
  for (uint16_t& word : file.as<uint16_t>()) word = static_cast<uint16_t>(random() & 0x1FFFU);
  return file;
}

// A packed matrix.
struct Packed {
  Packed(DType dtype, int64_t row_count, int64_t column_count) : type(dtype), rows(row_count), cols(column_count) {
    const HugeBuffer file = random_file(type, 16, cols);
    bytes = HugeBuffer(static_cast<size_t>(patina::kernels::panel_count(rows) * panel_bytes()));
    patina::kernels::pack_panels(type, file.data(), 16, cols, {0, 1}, bytes.data());
    for (int64_t p = 1; p < patina::kernels::panel_count(rows); ++p) {
      std::memcpy(bytes.data() + p * panel_bytes(), bytes.data(), static_cast<size_t>(panel_bytes()));
    }
  }
  patina::kernels::PackedView view() const { return {type, bytes.data(), rows, cols}; }
  patina::kernels::Range panels() const { return {0, rows / 16}; }
  int64_t panel_bytes() const { return patina::kernels::panel_bytes(type, cols); }

  DType type;
  int64_t rows;
  int64_t cols;
  HugeBuffer bytes;
};

std::vector<float> ramp(int64_t n) {
  std::vector<float> out(static_cast<size_t>(n));
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(i % 101) * 0.01F - 0.5F;
  return out;
}

void prompt(benchmark::State& state, DType type) {
  const Packed w(type, 1024, 4096);
  const int64_t m = 512;
  const std::vector<float> x = ramp(m * w.cols);
  std::vector<float> y(static_cast<size_t>(m * w.rows));
  const auto form = table().acts_form(patina::quant::is_float(type) ? DType::kQ8_0 : type);  // floats need none
  HugeBuffer acts(static_cast<size_t>(table().quantized_acts_bytes(form, m, w.cols)));
  HugeBuffer scratch(patina::kernels::kScratchFloats * sizeof(float));
  for (auto _ : state) {
    if (patina::quant::is_float(type)) {
      table().matmul_f32(w.view(), w.panels(), {x.data(), w.cols}, m, {y.data(), w.rows}, scratch.as<float>().data());
    } else {
      // A share of the quantization: matrices of 4096 rows are the rule, here are 1024.
      table().quantize_acts(form, {x.data(), w.cols}, m, w.cols, {0, m / 4}, acts.data());
      table().matmul_rounded(w.view(), w.panels(), acts.data(), m, {y.data(), w.rows}, scratch.as<float>().data());
    }
    benchmark::ClobberMemory();
  }
  set_rate(state, "GMAC/s", static_cast<double>(m * w.rows * w.cols));
}

void generate(benchmark::State& state, DType type, int64_t m) {
  const Packed w(type, 65536, 4096);
  const std::vector<float> x = ramp(m * w.cols);
  std::vector<float> y(static_cast<size_t>(m * w.rows));
  const auto form = table().acts_form(patina::quant::is_float(type) ? DType::kQ8_0 : type);  // floats need none
  HugeBuffer acts(static_cast<size_t>(table().quantized_acts_bytes(form, m, w.cols)));
  table().quantize_acts(form, {x.data(), w.cols}, m, w.cols, {0, m}, acts.data());
  HugeBuffer scratch(patina::kernels::kScratchFloats * sizeof(float));
  for (auto _ : state) {
    if (patina::quant::is_float(type)) {
      table().matmul_f32(w.view(), w.panels(), {x.data(), w.cols}, m, {y.data(), w.rows}, scratch.as<float>().data());
    } else {
      table().matmul_rounded(w.view(), w.panels(), acts.data(), m, {y.data(), w.rows}, scratch.as<float>().data());
    }
    benchmark::ClobberMemory();
  }
  set_rate(state, "GB/s", static_cast<double>(w.bytes.size()));
}

void backward(benchmark::State& state, DType type, bool rounds) {
  const Packed w(type, 2048, 1024);
  const int64_t m = 512;
  const std::vector<float> dy = ramp(m * w.rows);
  std::vector<float> dx(static_cast<size_t>(m * w.cols));
  HugeBuffer scratch(patina::kernels::kScratchFloats * sizeof(float));
  HugeBuffer quantized(static_cast<size_t>(table().quantized_gradients_bytes(type, m, w.rows)));
  for (auto _ : state) {
    if (rounds) {
      table().quantize_gradients(type, {dy.data(), w.rows}, m, w.rows, {0, m}, quantized.data());
      table().matmul_backward_rounded(w.view(), {0, w.cols}, quantized.data(), m, {dx.data(), w.cols},
                                      scratch.as<float>().data());
    } else {
      table().matmul_backward_f32(w.view(), {0, w.cols}, {dy.data(), w.rows}, m, {dx.data(), w.cols},
                                  scratch.as<float>().data());
    }
    benchmark::ClobberMemory();
  }
  set_rate(state, "GMAC/s", static_cast<double>(m * w.rows * w.cols));
}

void pack(benchmark::State& state, DType type) {
  const int64_t rows = 1024;
  const int64_t cols = 4096;
  const HugeBuffer file = random_file(type, rows, cols);
  HugeBuffer packed(static_cast<size_t>(rows / 16 * patina::kernels::panel_bytes(type, cols)));
  for (auto _ : state) {
    patina::kernels::pack_panels(type, file.data(), rows, cols, {0, rows / 16}, packed.data());
    benchmark::ClobberMemory();
  }
  set_rate(state, "GB/s", static_cast<double>(file.size()));
}

void sketch(benchmark::State& state, DType type) {
  const Packed w(type, 1024, 4096);
  HugeBuffer coarse(static_cast<size_t>(w.rows / 16 * patina::kernels::panel_bytes(DType::kQ4_0, w.cols)));
  std::vector<float> lost(static_cast<size_t>(w.rows * w.cols / patina::kernels::kBlockColumns));
  for (auto _ : state) {
    table().sketch_panels(w.view(), w.panels(), coarse.data(), lost.data());
    benchmark::ClobberMemory();
  }
  set_rate(state, "GB/s", static_cast<double>(w.bytes.size()));
}

void tell(const std::string& name, double limit) {
  benchmark::AddCustomContext(name, limit > 0 ? std::to_string(limit * 1e-9) : "not known");
}

void tell_limits() {
  patina::ThreadPool pool(1);
  const patina::measure::MachineLimits limits =
      patina::measure::measure_limits(pool, patina::kernels::default_kernels());
  tell("read_bandwidth GB/s", limits.read_bandwidth);
  tell("int8_peak GMAC/s", limits.int8_peak);
  tell("int16_peak GMAC/s", limits.int16_peak);
  tell("f32_peak GMAC/s", limits.f32_peak);
}

void register_type(DType type) {
  const std::string name(patina::quant::name(type));
  benchmark::RegisterBenchmark(("prompt/" + name).c_str(), prompt, type);
  for (const int64_t m : {1, 2, 4, 8}) {
    benchmark::RegisterBenchmark(("generate/" + name + "/" + std::to_string(m)).c_str(), generate, type, m);
  }
  benchmark::RegisterBenchmark(("backward/" + name).c_str(), backward, type, false);
  if (!patina::quant::is_float(type)) {
    benchmark::RegisterBenchmark(("integer_backward/" + name).c_str(), backward, type, true);
  }
  benchmark::RegisterBenchmark(("pack/" + name).c_str(), pack, type);
  benchmark::RegisterBenchmark(("sketch/" + name).c_str(), sketch, type);
}

}  // namespace

int main(int argc, char** argv) {
  tell_limits();
  for (const DType type :
       {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0, DType::kIQ4_NL, DType::kQ2_K,
        DType::kQ3_K, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kF32, DType::kF16, DType::kBF16}) {
    register_type(type);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
