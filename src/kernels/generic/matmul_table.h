#pragma once

#include "kernels/generic/matmul_backward.h"
#include "kernels/generic/matmul_f32.h"
#include "kernels/generic/matmul_rounded.h"
#include "kernels/generic/quantize_acts.h"
#include "kernels/generic/sketch.h"

namespace patina::kernels {
namespace {

template <typename Isa>
constexpr MatmulKernels kMatmulTable = {
    .call = {.rows = 8 * kPanelRows, .backward_columns = kIntegerColumns},
    .acts_form = acts_form<Isa>,
    .quantized_acts_bytes = quantized_acts_bytes<Isa>,
    .quantize_acts = quantize_acts<Isa>,
    .matmul_rounded = matmul_rounded<Isa>,
    .matmul_f32 = matmul_f32<Isa>,
    .matmul_backward_f32 = matmul_backward_f32<Isa>,
    .quantized_gradients_bytes = quantized_gradients_bytes,
    .quantize_gradients = quantize_gradients<Isa>,
    .matmul_backward_rounded = matmul_backward<Isa>,
    .unpack_panel = unpack_panel<Isa>,
    .sketch_panels = sketch_panels<Isa>,
};

}  // namespace
}  // namespace patina::kernels
