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
Step pack_step(quant::DType type, int64_t rows, int64_t cols);
// The making of a sketch, and the search with it for the best 40 of the rows.
Step sketch_step(ops::Context& context, quant::DType type, int64_t rows, int64_t cols);
Step largest_step(ops::Context& context, quant::DType type, int64_t tokens, int64_t rows, int64_t cols);
Step lora_step(ops::Context& context, int64_t tokens, int64_t rank, int64_t rows, int64_t cols);
Step embedding_step(ops::Context& context, quant::DType type, int64_t tokens, int64_t vocabulary, int64_t cols);
Step add_step(ops::Context& context, int64_t tokens, int64_t cols);
// With the gradient of the hidden states.
Step cross_entropy_step(ops::Context& context, quant::DType type, int64_t tokens, int64_t vocabulary, int64_t cols);
// Of the tokens that follow `position` others in a cache of that type.
Step attention_step(ops::Context& context, int64_t tokens, int64_t position, const ops::AttentionShape& shape,
                    quant::DType cached);
// Of tokens that see only themselves.
Step attention_backward_step(ops::Context& context, int64_t tokens, const ops::AttentionShape& shape);
Step rms_norm_step(ops::Context& context, int64_t tokens, int64_t cols);
Step rope_step(ops::Context& context, int64_t tokens, int64_t heads, int64_t head_dim, kernels::RopeLayout layout);
Step gated_activation_step(ops::Context& context, int64_t tokens, int64_t cols, ops::Activation activation);
// One token from the logits of a vocabulary, with the default parameters; temperature 0 takes the best.
Step sampling_step(int64_t vocabulary, float temperature);

}  // namespace patina::bench
