#include "model/fingerprint.h"

#include <algorithm>
#include <vector>

namespace patina::model {

namespace {

class Fnv1a {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte b : bytes) value_ = (value_ ^ static_cast<uint64_t>(b)) * 0x100000001B3U;
  }
  void add(uint64_t number) { add(std::as_bytes(std::span(&number, 1))); }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xCBF29CE484222325U;
};

}  // namespace

uint64_t fingerprint(const io::ModelFile& file) {
  constexpr size_t kSamples = 16;
  constexpr size_t kSampleBytes = 8;
  std::vector<const io::TensorInfo*> tensors;
  for (const io::TensorInfo& tensor : file.tensors()) tensors.push_back(&tensor);
  file.expect(platform::AccessHint::kRandom);
  std::ranges::sort(tensors, {}, &io::TensorInfo::name);
  Fnv1a hash;
  for (const io::TensorInfo* tensor : tensors) {
    hash.add(std::as_bytes(std::span(tensor->name)));
    hash.add(static_cast<uint64_t>(tensor->type));
    for (const int64_t size : tensor->shape) hash.add(static_cast<uint64_t>(size));
    for (size_t i = 0; i < kSamples && tensor->data.size() >= kSampleBytes; ++i) {
      hash.add(tensor->data.subspan((tensor->data.size() - kSampleBytes) / kSamples * i, kSampleBytes));
    }
    file.release_pages(tensor->data);  // the system maps more around each sample
  }
  file.expect(platform::AccessHint::kNormal);
  return hash.value();
}

}  // namespace patina::model
