#include "kernels/generic/kv_tile.h"
#include "kernels/levels.h"
#include "kernels/neon/vec_neon.h"

namespace patina::kernels {

const KvTileKernels kKvTileNeon = kKvTileTable<FloatProducts<NeonVec>>;

}  // namespace patina::kernels
