#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ops/attention.h"
#include "ops/context.h"
#include "ops/gated_activation.h"
#include "quant/dtype.h"

// Operations on made-up numbers, set up once and run as often as wanted: for timing and for counting instructions. What
// they run with must outlive them.
namespace patina::bench {

using Step = std::function<void()>;

std::vector<float> numbers(int64_t count);  // from -1 to 1, always the same ones

// Quantization of the tokens included.
Step linear_step(ops::Context& context, quant::DType type, int64_t tokens, int64_t rows, int64_t cols);
Step linear_backward_step(ops::Context& context, quant::DType type, int64_t tokens, int64_t rows, int64_t cols);
Step quantize_step(ops::Context& context, int64_t tokens, int64_t cols);
// Of the tokens that follow `position` others in the cache.
Step attention_step(ops::Context& context, int64_t tokens, int64_t position, const ops::AttentionShape& shape);
Step rms_norm_step(ops::Context& context, int64_t tokens, int64_t cols);
Step rope_step(ops::Context& context, int64_t tokens, int64_t heads, int64_t head_dim, kernels::RopeLayout layout);
Step gated_activation_step(ops::Context& context, int64_t tokens, int64_t cols, ops::Activation activation);
// One token from the logits of a vocabulary, with the default parameters; temperature 0 takes the best.
Step sampling_step(int64_t vocabulary, float temperature);

}  // namespace patina::bench
