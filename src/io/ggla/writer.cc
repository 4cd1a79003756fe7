#include "io/ggla/writer.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "base/error.h"
#include "io/ggla/format.h"
#include "io/printable.h"
#include "io/tensor_layout.h"
#include "platform/atomic_file.h"

namespace patina::io {

namespace {

void check(const TensorToWrite& tensor, const std::string& path) {
  constexpr int64_t kMaxDimension = std::numeric_limits<int32_t>::max();
  const bool fits = (tensor.type == quant::DType::kF32 || tensor.type == quant::DType::kF16) &&
                    tensor.shape.size() <= ggla::kMaxDimensions && tensor.name.size() <= ggla::kMaxNameBytes &&
                    std::ranges::all_of(tensor.shape, [](int64_t n) { return n <= kMaxDimension; });
  if (!fits ||
      tensor_bytes(tensor.type, tensor.shape, tensor.name, path, ErrorKind::kInvalidArgument) != tensor.data.size()) {
    fail(ErrorKind::kInvalidArgument, "cannot write {}: ggla has no place for tensor {}", path, printable(tensor.name));
  }
}

template <typename T>
void write_value(platform::AtomicFile& file, T value) {
  file.write(std::as_bytes(std::span(&value, 1)));
}

}  // namespace

void write_ggla(const std::filesystem::path& path, int32_t rank, int32_t alpha,
                std::span<const TensorToWrite> tensors) {
  for (const TensorToWrite& tensor : tensors) check(tensor, path.string());
  platform::AtomicFile file(path);
  for (const uint32_t value : {ggla::kMagic, ggla::kVersion}) write_value(file, value);
  for (const int32_t value : {rank, alpha}) write_value(file, value);
  for (const TensorToWrite& tensor : tensors) {
    write_value(file, static_cast<uint32_t>(tensor.shape.size()));
    write_value(file, static_cast<uint32_t>(tensor.name.size()));
    write_value(file, static_cast<uint32_t>(tensor.type));
    for (const int64_t dimension : tensor.shape) write_value(file, static_cast<uint32_t>(dimension));
    file.write(tensor.name);
    file.write(std::vector<std::byte>(align_up(file.size(), ggla::kAlignment) - file.size()));
    file.write(tensor.data);
  }
  file.commit();
}

}  // namespace patina::io
