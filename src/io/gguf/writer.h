#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "io/model_file.h"
#include "platform/atomic_file.h"

namespace patina::io {

// A tensor whose data is written later.
struct TensorToCome {
  std::string name;
  quant::DType type;
  std::vector<int64_t> shape;  // shape[0] = row length
};

// Writes GGUF v3 piece by piece, for files that do not fit in memory: what will come is said first, then the data of
// each tensor follows in that order, in pieces of any size. Atomic as write_gguf is: without finish() nothing changes.
class GgufWriter {
 public:
  // Throws kInvalidArgument for an impossible shape, a name given twice or more than 4 dimensions, kIo when the file
  // cannot be made.
  GgufWriter(const std::filesystem::path& path, const Metadata& metadata, std::span<const TensorToCome> tensors);

  // The next bytes of the tensor that is being written. A call gives bytes of one tensor only: throws kInvalidArgument
  // for more than it has room for.
  void append(std::span<const std::byte> data);
  // Throws kInvalidArgument when data is missing, kIo when the disk refuses.
  void finish();

 private:
  void start_next_tensor();
  void pad();

  platform::AtomicFile file_;
  std::string path_;
  uint64_t alignment_;
  std::vector<std::string> names_;
  std::vector<uint64_t> bytes_;  // of each tensor
  size_t current_ = 0;
  uint64_t written_ = 0;  // bytes of the current tensor
};

}  // namespace patina::io
