#include "kernels/avx2/vec_avx2.h"
#include "kernels/generic/kv_tile.h"
#include "kernels/levels.h"

namespace patina::kernels {

const KvTileKernels kKvTileAvx2 = kKvTileTable<FloatProducts<Avx2Vec>>;

}  // namespace patina::kernels
