#include "tensor/arena.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <vector>

namespace patina::tensor {
namespace {

constexpr size_t kMebibyte = size_t{1} << 20;

TEST(Arena, BlocksAreAlignedAndApart) {
  Arena arena;
  std::mt19937 random(3);  // NOLINT(bugprone-random-generator-seed): the same figures in every run
  std::map<std::byte*, size_t> taken;
  for (int i = 0; i < 4000; ++i) {
    if (taken.size() < 20 || random() % 2 == 0) {
      const size_t bytes = 1 + random() % (i % 50 == 0 ? 3 * kMebibyte : 5000);
      std::byte* block = arena.take(bytes);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block) % Arena::kAlignment, 0);
      const auto next = taken.lower_bound(block);
      if (next != taken.end()) {
        ASSERT_LE(block + bytes, next->first);
      }
      if (next != taken.begin()) {
        ASSERT_LE(std::prev(next)->first + std::prev(next)->second, block);
      }
      std::memset(block, 1, bytes);
      taken.emplace(block, bytes);
    } else {
      auto which = taken.begin();
      std::advance(which, random() % taken.size());
      arena.put_back(which->first, which->second);
      taken.erase(which);
    }
    if (i % 500 == 0) arena.trim();
  }
}

// Free places join, so that one block of their size fits where many were.
TEST(Arena, FreePlacesJoin) {
  Arena arena;
  std::byte* blocks[3];
  for (std::byte*& block : blocks) block = arena.take(kMebibyte);
  const size_t bytes = arena.bytes();
  EXPECT_EQ(arena.used_bytes(), 3 * kMebibyte);
  for (const int i : {0, 2, 1}) arena.put_back(blocks[i], kMebibyte);
  EXPECT_EQ(arena.used_bytes(), 0);
  std::byte* whole = arena.take(3 * kMebibyte);
  EXPECT_EQ(whole, blocks[0]);
  EXPECT_EQ(arena.bytes(), bytes);
  arena.put_back(whole, 3 * kMebibyte);
}

TEST(Arena, ABlockMayBeLargerThanARegion) {
  Arena arena;
  constexpr size_t kLarge = 300 * kMebibyte;
  std::byte* first = arena.take(kLarge);
  std::byte* second = arena.take(kLarge);
  first[kLarge - 1] = second[kLarge - 1] = std::byte{1};
  arena.put_back(first, kLarge);
  EXPECT_EQ(arena.take(kLarge), first);
}

size_t address_space() {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

// One that holds little has no huge page of its own.
TEST(Arena, ManyMayHoldLittle) {
  const size_t before = address_space();
  ASSERT_GT(before, 0);
  std::vector<Arena> arenas(500);
  for (Arena& arena : arenas) arena.take(100)[99] = std::byte{1};
  EXPECT_LT(address_space() - before, 700 * kMebibyte);
}

TEST(Arena, TrimmingForgetsWhatIsFree) {
  Arena arena;
  std::byte* kept = arena.take(kMebibyte);
  std::byte* freed = arena.take(kMebibyte);
  std::memset(kept, 7, kMebibyte);
  std::memset(freed, 7, kMebibyte);
  arena.put_back(freed, kMebibyte);
  arena.trim();
  EXPECT_LT(arena.bytes(), 2 * kMebibyte);
  EXPECT_GE(arena.peak_bytes(), 2 * kMebibyte);
  EXPECT_EQ(kept[kMebibyte - 1], std::byte{7});
  EXPECT_EQ(arena.take(kMebibyte)[5000], std::byte{0});
}

}  // namespace
}  // namespace patina::tensor
