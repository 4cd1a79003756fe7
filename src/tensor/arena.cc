#include "tensor/arena.h"

#include <algorithm>
#include <iterator>
#include <utility>

// As g++ says it, and as clang++ does.
#if defined(__SANITIZE_ADDRESS__)
#define PATINA_POISONS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PATINA_POISONS
#endif
#endif
#if defined(PATINA_POISONS)
#include <sanitizer/asan_interface.h>
#endif

namespace patina::tensor {
namespace {

#if defined(PATINA_POISONS)
constexpr size_t kGap = 64;  // between blocks, for the sanitizer to see what runs over
void forbid(std::byte* from, size_t bytes) { __asan_poison_memory_region(from, bytes); }
void allow(std::byte* from, size_t bytes) { __asan_unpoison_memory_region(from, bytes); }
#else
constexpr size_t kGap = 0;
void forbid(std::byte* /*from*/, size_t /*bytes*/) {}
void allow(std::byte* /*from*/, size_t /*bytes*/) {}
#endif

// Large, so that few blocks stand at an end; only what is touched counts. But many arenas hold little for long, and the
// first page of a large region is a huge one.
constexpr size_t kFirstRegionBytes = size_t{1} << 20;
constexpr size_t kRegionBytes = size_t{256} << 20;

}  // namespace

Arena::~Arena() {
  for (const Region& region : regions_) allow(region.memory.data(), region.memory.size());
}

size_t Arena::padded(size_t bytes) { return (bytes + kGap + kAlignment - 1) / kAlignment * kAlignment; }

std::byte* Arena::take(size_t bytes) {
  const size_t size = padded(bytes);
  std::byte* block = nullptr;
  for (Region& region : regions_) {
    const auto place = std::ranges::find_if(region.free, [&](const auto& free) { return free.second >= size; });
    if (place == region.free.end()) continue;
    block = take_from(region, place, size);
    break;
  }
  if (block == nullptr) {
    Region& region = add_region(size);
    block = take_from(region, region.free.begin(), size);
  }
  allow(block, bytes);
  used_ += bytes;
  return block;
}

std::byte* Arena::take_from(Region& region, std::map<size_t, size_t>::iterator place, size_t size) {
  const auto [offset, room] = *place;
  region.free.erase(place);
  if (room > size) region.free.emplace(offset + size, room - size);
  set_touched(region, std::max(region.touched, offset + size));
  return region.memory.data() + offset;
}

Arena::Region& Arena::add_region(size_t size) {
  const size_t least = regions_.empty() && size < kFirstRegionBytes ? kFirstRegionBytes : kRegionBytes;
  Region region{.memory = platform::HugeBuffer(std::max(size, least)), .free = {}, .touched = 0};
  forbid(region.memory.data(), region.memory.size());
  region.free.emplace(0, region.memory.size());
  return regions_.emplace_back(std::move(region));
}

void Arena::put_back(std::byte* block, size_t bytes) {
  const auto region = std::ranges::find_if(regions_, [&](const Region& one) {
    return block >= one.memory.data() && block < one.memory.data() + one.memory.size();
  });
  forbid(block, bytes);
  used_ -= bytes;
  auto offset = static_cast<size_t>(block - region->memory.data());
  size_t size = padded(bytes);
  const auto next = region->free.lower_bound(offset);
  if (next != region->free.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      offset = before->first;
      size += before->second;
      region->free.erase(before);
    }
  }
  if (next != region->free.end() && next->first == offset + size) {
    size += next->second;
    region->free.erase(next);
  }
  region->free.emplace(offset, size);
}

void Arena::trim() {
  for (Region& region : regions_) {
    size_t used = region.memory.size();
    for (const auto& [offset, size] : region.free) {
      region.memory.give_back(offset, size);
      if (offset + size == region.memory.size()) used = offset;
    }
    set_touched(region, std::min(region.touched, used));
  }
}

void Arena::set_touched(Region& region, size_t touched) {
  bytes_ += touched - region.touched;
  region.touched = touched;
  peak_ = std::max(peak_, bytes_);
}

}  // namespace patina::tensor
