#include "kernels/amx/tiles_amx.h"
#include "kernels/avx512/vec_avx512.h"
#include "kernels/generic/peak.h"
#include "kernels/generic/tiles.h"
#include "kernels/levels.h"

namespace patina::kernels {
namespace {

// Four sums of two tiles and two others.
int64_t tile_peak(int64_t rounds) {
  const ConfiguredTiles<AmxTiles> configured;
  const auto zero = []<int... kTile>() { (AmxTiles::zero<kTile>(), ...); };
  zero.template operator()<0, 1, 2, 3, 4, 5, 6, 7>();
  for (int64_t round = 0; round < rounds; ++round) {
    AmxTiles::multiply_bf16<0, 4, 6>();
    AmxTiles::multiply_bf16<1, 4, 7>();
    AmxTiles::multiply_bf16<2, 5, 6>();
    AmxTiles::multiply_bf16<3, 5, 7>();
  }
  return rounds * 4 * kTileSums * kTileInner;
}

}  // namespace

const PeakKernels kPeakAmx = {.f32 = peak<FloatUnit<Avx512Vec>>, .int8 = tile_peak, .int16 = tile_peak};

}  // namespace patina::kernels
