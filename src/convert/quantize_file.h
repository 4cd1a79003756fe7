#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "convert/file_type.h"
#include "io/model_file.h"
#include "quant/dtype.h"
#include "threading/thread_pool.h"

namespace patina::convert {

// A tensor that is about to be written.
struct QuantizeStep {
  const io::TensorInfo& tensor;  // as it was
  quant::DType type;             // as it will be
  size_t index;                  // from 0
  size_t count;                  // of all tensors
};

struct QuantizeReport {
  uint64_t bytes_before = 0;  // of all tensors
  uint64_t bytes_after = 0;
  int64_t elements = 0;
};

// Changes weights while a model is written. Both are called by several threads at once.
struct WeightEdit {
  // Whether the tensor changes.
  FunctionRef<bool(const io::TensorInfo&)> changes;
  // Changes rows `first`, `first` + 1, ... of such a tensor, given as whole rows in f32. The result must not depend on
  // how many come at once.
  FunctionRef<void(const io::TensorInfo&, int64_t first, std::span<float> rows)> apply;
  // Keys and texts that are added to the metadata.
  // NOLINTNEXTLINE(readability-redundant-member-init): g++ warns without it where a list leaves it out
  std::vector<std::pair<std::string, std::string>> metadata = {};
  // Tensors that are written after the model's own, whose names they must not have; their bytes must stay.
  // NOLINTNEXTLINE(readability-redundant-member-init)
  std::vector<io::TensorInfo> added = {};
};

// Writes `in`, a model of any form and any tensor types, to `out` as GGUF with the types of choose_types(). Metadata
// and the order of tensors are kept; tensors whose type stays are copied as they are. A few MiB a thread are needed,
// however large the model is. The file appears, or replaces one that was there, only when all has been written.
//
// `on_tensor` is called from this thread before each tensor; what it throws ends the work. Throws kInvalidArgument when
// `out` is (a part of) the input, as io::require_model() does, kInvalidData that names the tensor for weights that are
// no finite numbers or too large for the type, kIo as AtomicFile does.
QuantizeReport quantize_model(const io::ModelFile& in, const std::filesystem::path& out, FileType target,
                              ThreadPool& pool, FunctionRef<void(const QuantizeStep&)> on_tensor);

// The same with changed weights. Without `target` every tensor keeps its type, and those that do not change are copied
// as they are.
QuantizeReport edit_model(const io::ModelFile& in, const std::filesystem::path& out, std::optional<FileType> target,
                          const WeightEdit& edit, ThreadPool& pool, FunctionRef<void(const QuantizeStep&)> on_tensor);

}  // namespace patina::convert
