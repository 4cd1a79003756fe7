#include "model/fingerprint.h"

#include <algorithm>
#include <vector>

#include "base/digest.h"

namespace patina::model {

uint64_t fingerprint(const io::ModelFile& file) {
  constexpr size_t kSamples = 16;
  constexpr size_t kSampleBytes = 8;
  std::vector<const io::TensorInfo*> tensors;
  for (const io::TensorInfo& tensor : file.tensors()) tensors.push_back(&tensor);
  file.expect(platform::AccessHint::kRandom);
  std::ranges::sort(tensors, {}, &io::TensorInfo::name);
  Digest digest;
  for (const io::TensorInfo* tensor : tensors) {
    digest.add(std::as_bytes(std::span(tensor->name)));
    digest.add_number(static_cast<uint64_t>(tensor->type));
    for (const int64_t size : tensor->shape) digest.add_number(static_cast<uint64_t>(size));
    for (size_t i = 0; i < kSamples && tensor->data.size() >= kSampleBytes; ++i) {
      digest.add(tensor->data.subspan((tensor->data.size() - kSampleBytes) / kSamples * i, kSampleBytes));
    }
    file.release_pages(tensor->data);  // the system maps more around each sample
  }
  file.expect(platform::AccessHint::kNormal);
  return digest.value();
}

}  // namespace patina::model
