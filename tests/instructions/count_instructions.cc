#include <valgrind/callgrind.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>

#include "bench/ops/operations.h"
#include "kernels/dispatch.h"
#include "threading/thread_pool.h"

// Run by callgrind, by way of scripts/instruction_counts.py: operations of small, fixed shapes at the avx2 level (the
// best that valgrind knows), one dump of counts each. With --compiler: prints what compiled it, on which counts depend.
namespace {

using namespace patina;
using quant::DType;

constexpr int kSkipped = 77;
constexpr ops::AttentionShape kAttention{.heads = 8, .kv_heads = 2, .head_dim = 64, .scale = 0.125F};

#if defined(__clang__)
constexpr const char* kCompiler = "clang++ " __clang_version__;
#else
constexpr const char* kCompiler = "g++ " __VERSION__;
#endif

// The first run fills buffers and is not counted. Callgrind forgets what it counted when it stops, but not what it has
// dumped; hence the zeroing.
void count(const std::string& name, const bench::Step& step) {
  step();
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
  step();
  CALLGRIND_DUMP_STATS_AT(name.c_str());
  CALLGRIND_STOP_INSTRUMENTATION;
}

constexpr int64_t kRows = 128;
constexpr int64_t kCols = 512;

// Few tokens: one, and what batches and guessed tokens bring together.
void count_products(ops::Context& context, DType type) {
  const std::string name(quant::name(type));
  for (const int64_t tokens : {1, 2, 4, 8, 64}) {
    count("product/" + name + "/" + std::to_string(tokens), bench::linear_step(context, type, tokens, kRows, kCols));
  }
  count("backward/" + name + "/64", bench::linear_backward_step(context, type, 64, kRows, kCols));
  count("pack/" + name, bench::pack_step(type, kRows, kCols));
  if (quant::is_float(type)) return;
  ops::Context precise = context;
  precise.precise = true;
  for (const int64_t tokens : {1, 64}) {
    count("precise/" + name + "/" + std::to_string(tokens), bench::linear_step(precise, type, tokens, kRows, kCols));
  }
  count("precise_backward/" + name + "/64", bench::linear_backward_step(precise, type, 64, kRows, kCols));
}

void count_attention(ops::Context& context) {
  for (const DType cached : {DType::kF16, DType::kQ8_0}) {
    const std::string name(quant::name(cached));
    count("attention/1/256/" + name, bench::attention_step(context, 1, 256, kAttention, cached));
    count("attention/64/0/" + name, bench::attention_step(context, 64, 0, kAttention, cached));
  }
  count("attention_backward/64", bench::attention_backward_step(context, 64, kAttention));
}

void count_vocabulary(ops::Context& context) {
  constexpr int64_t kVocabulary = 1024;
  constexpr DType kType = DType::kQ6_K;
  count("embed/64", bench::embedding_step(context, kType, 64, kVocabulary, kCols));
  count("cross_entropy/64", bench::cross_entropy_step(context, kType, 64, kVocabulary, kCols));
  count("sketch/" + std::string(quant::name(kType)), bench::sketch_step(context, kType, kVocabulary, kCols));
  for (const int64_t tokens : {1, 8}) {
    count("largest/" + std::to_string(tokens), bench::largest_step(context, kType, tokens, kVocabulary, kCols));
  }
  count("sample_greedy/32000", bench::sampling_step(32000, 0));
  count("sample/32000", bench::sampling_step(32000, 0.8F));
}

void count_all(ops::Context& context) {
  for (const DType type :
       {DType::kQ4_0, DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0, DType::kIQ4_NL, DType::kQ2_K,
        DType::kQ3_K, DType::kQ4_K, DType::kQ5_K, DType::kQ6_K, DType::kF32, DType::kF16, DType::kBF16}) {
    count_products(context, type);
  }
  count("quantize_acts/64", bench::quantize_step(context, 64, kCols));
  count_attention(context);
  count("lora/64", bench::lora_step(context, 64, 16, kRows, kCols));
  count("add/64", bench::add_step(context, 64, kCols));
  count("rms_norm/64", bench::rms_norm_step(context, 64, kCols));
  count("rope_norm/64", bench::rope_step(context, 64, 8, 64, kernels::RopeLayout::kNorm));
  count("rope_neox/64", bench::rope_step(context, 64, 8, 64, kernels::RopeLayout::kNeox));
  count("silu_mul/64", bench::gated_activation_step(context, 64, kCols, ops::Activation::kSilu));
  count("gelu_mul/64", bench::gated_activation_step(context, 64, kCols, ops::Activation::kGelu));
  count_vocabulary(context);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--compiler") {
    std::printf("%s\n", kCompiler);
    return 0;
  }
  const auto levels = kernels::available_levels();
  if (std::find(levels.begin(), levels.end(), kernels::Level::kAvx2) == levels.end()) {
    std::printf("this processor has no AVX2\n");
    return kSkipped;
  }
  ThreadPool pool(1);
  tensor::BufferPool buffers;
  ops::Context context{.pool = pool, .kernels = kernels::kernels_for(kernels::Level::kAvx2), .buffers = buffers};
  count_all(context);
}
