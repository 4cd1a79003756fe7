#include <cstdio>

#include "kernels/kv_tile_compare.h"
#include "kernels/levels.h"
#include "kernels/vector_compare.h"

// NEON against scalar, without a test library, so that it can be cross-compiled and run by an emulator. Prints each
// difference; exits with 1 if there is any. The scalar level is proven by vector_test.cc and
// kv_tile_test.cc.
int main() {
  using namespace patina::kernels;
  auto found = testing::VectorCompare(kVectorNeon, kVectorScalar).differences();
  const auto products = testing::sgemm_differences(kVectorNeon);
  found.insert(found.end(), products.begin(), products.end());
  const auto tiles = testing::KvTileCompare(kKvTileNeon, kKvTileScalar).differences();
  found.insert(found.end(), tiles.begin(), tiles.end());
  if (kPeakNeon.f32(10) != 10 * 24 * 4 || kPeakNeon.int8(10) != 10 * 24 * 16 || kPeakNeon.int16(10) != 10 * 24 * 4)
    found.emplace_back("peaks miscount");
  for (const auto& sentence : found) std::printf("%s\n", sentence.c_str());
  std::printf("%zu differences\n", found.size());
  return found.empty() ? 0 : 1;
}
