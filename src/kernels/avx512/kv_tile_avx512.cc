#include "kernels/avx512/vec_avx512.h"
#include "kernels/generic/kv_tile.h"
#include "kernels/levels.h"

namespace patina::kernels {

const KvTileKernels kKvTileAvx512 = kKvTileTable<FloatProducts<Avx512Vec>>;

}  // namespace patina::kernels
