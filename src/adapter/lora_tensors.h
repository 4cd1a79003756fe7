#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapter/lora_adapter.h"
#include "base/function_ref.h"
#include "io/model_file.h"
#include "quant/dtype.h"
#include "tensor/tensor.h"

// What all file forms of adapters share. Internal to this folder.
namespace patina::adapter {

enum class Part { kA, kB, kMagnitude };

// Of which layer a tensor is, and which of its matrices. The layer is in the file's own words.
struct PartName {
  std::string layer;
  Part part;
};

// The matrices of one layer as a file holds them; A and B are there.
struct Parts {
  std::string layer;
  const io::TensorInfo* a = nullptr;
  const io::TensorInfo* b = nullptr;
  const io::TensorInfo* magnitude = nullptr;
};

// In the order in which the file names the layers. `name_of` returns nothing for a tensor to be left out, and throws
// for one that belongs to no layer. Throws kInvalidData that names the layer of which a matrix is missing or there
// twice, kUnsupported for more than two dimensions, kInvalidData for a file without tensors.
std::vector<Parts> collect_parts(const io::ModelFile& file,
                                 FunctionRef<std::optional<PartName>(const io::TensorInfo&)> name_of);

// In f32. Throws kInvalidData for numbers that are not finite.
tensor::Tensor decode(const io::TensorInfo& info, tensor::BufferPool& pool, const std::string& source);

// The same of a vector, as a column; empty for null. Throws kInvalidData for a matrix.
tensor::Tensor decode_column(const io::TensorInfo* info, tensor::BufferPool& pool, const std::string& source);

// Throws kInvalidData when the ranks of A and B, or the rows of B and its magnitudes, disagree; kUnsupported for
// magnitudes of embeddings.
LoraEntry make_entry(LoraEntry entry, const std::string& source);

// A matrix of its own with rows and columns exchanged.
tensor::Tensor transposed(const tensor::Tensor& matrix, tensor::BufferPool& pool);

// What rounding in f32 makes of a quotient of equal numbers: a factor that is no further from 1 counts as 1.
constexpr float kSameFactor = 0x1p-21F;

// A matrix of its own, times `factor`, or the same matrix where that is 1. Throws kInvalidData where a product is too
// large.
tensor::Tensor multiplied(const tensor::Tensor& matrix, float factor, tensor::BufferPool& pool);

// Whether the site is a norm, whose weight is a vector.
inline bool is_norm(std::string_view site) { return site.ends_with("_norm"); }
// Whether it is the token embeddings, whose matrices files may have turned round.
inline bool is_embedding(std::string_view site) { return site == kEmbeddingName; }

// Tensors in the bytes and shapes of a file.
class EncodedTensors {
 public:
  // Throws kInvalidArgument for other types than kF32 and kF16.
  explicit EncodedTensors(quant::DType type);
  // Throws kInvalidArgument for a number that is not finite, or too large for the type.
  void add(std::string name, const tensor::Tensor& tensor);
  // In f32 whatever the type: small beside matrices, and each number counts for a whole row.
  void add_vector(std::string name, const tensor::Tensor& tensor);
  std::span<const io::TensorToWrite> tensors() const { return tensors_; }

 private:
  void add(std::string name, quant::DType type, std::span<const float> values, std::vector<int64_t> shape);

  quant::DType type_;
  std::deque<std::vector<std::byte>> contents_;
  std::vector<io::TensorToWrite> tensors_;
};

// Throws kInvalidArgument for an adapter without entries.
void require_entries(const LoraAdapter& adapter);
// Throws kUnsupported for an adapter with magnitudes; "cannot WHAT".
void require_no_magnitudes(const LoraAdapter& adapter, std::string_view what);

}  // namespace patina::adapter
