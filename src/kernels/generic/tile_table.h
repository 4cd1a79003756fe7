#pragma once

#include "kernels/generic/tile_products.h"

namespace patina::kernels {
namespace {

// The products of a level's tile registers, the other kernels of its vectors.
template <typename Level>
constexpr MatmulKernels kTileTable = {
    .call = {.rows = kGroupsTogether * kTileRows, .backward_columns = kGroupsTogether * kTileRows},
    .acts_form = [](auto... args) { return Level::vectors().acts_form(args...); },
    .quantized_acts_bytes = tile_quantized_acts_bytes<Level>,
    .quantize_acts = tile_quantize_acts<Level>,
    .matmul_rounded = tile_matmul<Level>,
    .matmul_f32 = [](auto... args) { Level::vectors().matmul_f32(args...); },
    .matmul_backward_f32 = [](auto... args) { Level::vectors().matmul_backward_f32(args...); },
    .quantized_gradients_bytes = tile_quantized_gradients_bytes,
    .quantize_gradients = tile_quantize_gradients<Level>,
    .matmul_backward_rounded = tile_matmul_backward<Level>,
    .unpack_panel = [](auto... args) { Level::vectors().unpack_panel(args...); },
    .sketch_panels = [](auto... args) { Level::vectors().sketch_panels(args...); },
};

}  // namespace
}  // namespace patina::kernels
