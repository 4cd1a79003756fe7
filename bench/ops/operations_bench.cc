#include <benchmark/benchmark.h>

#include <string>

#include "bench/ops/operations.h"
#include "kernels/dispatch.h"
#include "threading/thread_pool.h"

// Operations other than products with weights (see kernels/matmul_bench), on one thread, at the default level
// (PATINA_ISA forces another), in the shapes of a llama of 1.1 billion parameters. The time is that of all tokens.
//   attention/TOKENS/POSITION/TYPE   tokens that follow so many others in a cache of that type
//   largest/TOKENS                   the best 40 of the vocabulary's rows, by way of a sketch
namespace {

using namespace patina;

constexpr int64_t kHidden = 2048;
constexpr int64_t kFeedForward = 5632;
constexpr int64_t kVocabulary = 32000;
constexpr int64_t kRank = 16;
constexpr quant::DType kOutput = quant::DType::kQ6_K;
constexpr ops::AttentionShape kAttention{.heads = 32, .kv_heads = 4, .head_dim = 64, .scale = 0.125F};

void add(const std::string& name, const std::function<bench::Step()>& set_up) {
  benchmark::RegisterBenchmark(name.c_str(), [set_up](benchmark::State& state) {
    const bench::Step step = set_up();
    for (auto _ : state) step();
  });
}

// What every token goes through, of one token and of a prompt.
void add_of_tokens(ops::Context& context, int64_t tokens) {
  const auto name = [&](const char* operation) { return std::string(operation) + '/' + std::to_string(tokens); };
  for (const int64_t position : {int64_t{0}, int64_t{512}, int64_t{4096}}) {
    for (const auto cached : {quant::DType::kF16, quant::DType::kQ8_0}) {
      add(name("attention") + '/' + std::to_string(position) + '/' + std::string(quant::name(cached)),
          [=, &context] { return bench::attention_step(context, tokens, position, kAttention, cached); });
    }
  }
  add(name("embed"), [=, &context] { return bench::embedding_step(context, kOutput, tokens, kVocabulary, kHidden); });
  add(name("add"), [=, &context] { return bench::add_step(context, tokens, kHidden); });
  add(name("lora"), [=, &context] { return bench::lora_step(context, tokens, kRank, kHidden, kHidden); });
  add(name("quantize_acts"), [=, &context] { return bench::quantize_step(context, tokens, kHidden); });
  add(name("rms_norm"), [=, &context] { return bench::rms_norm_step(context, tokens, kHidden); });
  for (const auto layout : {kernels::RopeLayout::kNorm, kernels::RopeLayout::kNeox}) {
    add(name(layout == kernels::RopeLayout::kNorm ? "rope_norm" : "rope_neox"),
        [=, &context] { return bench::rope_step(context, tokens, kAttention.heads, kAttention.head_dim, layout); });
  }
  for (const auto activation : {ops::Activation::kSilu, ops::Activation::kGelu}) {
    add(name(activation == ops::Activation::kSilu ? "silu_mul" : "gelu_mul"),
        [=, &context] { return bench::gated_activation_step(context, tokens, kFeedForward, activation); });
  }
}

void add_all(ops::Context& context) {
  for (const int64_t tokens : {int64_t{1}, int64_t{512}}) add_of_tokens(context, tokens);
  add("attention_backward/512", [&] { return bench::attention_backward_step(context, 512, kAttention); });
  add("cross_entropy/512", [&] { return bench::cross_entropy_step(context, kOutput, 512, kVocabulary, kHidden); });
  for (const int64_t tokens : {int64_t{1}, ops::kFewRows}) {
    add("largest/" + std::to_string(tokens),
        [=, &context] { return bench::largest_step(context, kOutput, tokens, kVocabulary, kHidden); });
  }
  add("sample_greedy", [] { return bench::sampling_step(kVocabulary, 0); });
  add("sample", [] { return bench::sampling_step(kVocabulary, 0.8F); });
}

}  // namespace

int main(int argc, char** argv) {
  ThreadPool pool(1);
  tensor::BufferPool buffers;
  ops::Context context{.pool = pool, .kernels = kernels::default_kernels(), .buffers = buffers};
  add_all(context);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
