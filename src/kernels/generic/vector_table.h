#pragma once

#include "kernels/generic/elementwise.h"
#include "kernels/generic/sgemm.h"

namespace patina::kernels {
namespace {

template <typename V>
constexpr VectorKernels kVectorTable = {
    .dot = dot<V>,
    .add = add<V>,
    .axpy = axpy<V>,
    .scale = scale<V>,
    .mul = mul<V>,
    .max = max<V>,
    .sum_exp = sum_exp<V>,
    .sum_squares = sum_squares<V>,
    .rms_norm = rms_norm<V>,
    .rms_norm_backward = rms_norm_backward<V>,
    .silu_mul = gated<V, Silu>,
    .silu_mul_backward = gated_backward<V, Silu>,
    .gelu_mul = gated<V, Gelu>,
    .gelu_mul_backward = gated_backward<V, Gelu>,
    .rope = rope<V>,
    .f32_to_f16 = f32_to_f16<V>,
    .f16_to_f32 = f16_to_f32<V>,
    .sgemm = sgemm<V>,
};

}  // namespace
}  // namespace patina::kernels
