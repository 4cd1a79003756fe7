#include "kernels/amx/isa_amx.h"
#include "kernels/amx/tiles_amx.h"
#include "kernels/generic/tile_table.h"
#include "kernels/levels.h"

namespace patina::kernels {
namespace {

struct Amx {
  using Isa = AmxIsa;
  using Tiles = AmxTiles;
  static const MatmulKernels& vectors() { return kMatmulAvx512; }
};

}  // namespace

const MatmulKernels kMatmulAmx = kTileTable<Amx>;

}  // namespace patina::kernels
