#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/metadata.h"
#include "platform/mapped_file.h"
#include "quant/dtype.h"

namespace patina::io {

// A tensor as the file holds it. `shape[0]` is the length of a row (the dimension that is contiguous and quantized),
// the order of GGUF. The view is valid as long as its ModelFile.
struct TensorInfo {
  std::string name;  // in models GGUF's for every file form: "blk.0.attn_q.weight"
  quant::DType type;
  std::vector<int64_t> shape;  // 1 to 4 dimensions, each at least 1
  std::span<const std::byte> data;

  int64_t row_length() const { return shape[0]; }
  int64_t rows() const;      // product of all other dimensions
  int64_t elements() const;  // product of all dimensions
};

enum class FileForm { kGguf, kGgjt, kGgla, kSafetensors };

// What a GGJT file does not say and a user may have to (flags of the programs). Ignored for GGUF.
struct LegacyHints {
  std::optional<double> rms_norm_eps;      // default 5e-6, llama.cpp's of the time: see docs/formats/ggjt.md
  std::optional<uint64_t> context_length;  // default 2048
  std::optional<uint64_t> head_count_kv;   // default: what the shape of the first key matrix says
  std::optional<double> rope_freq_base;    // default 10000
};

// An opened model (or adapter, or vocabulary-only) file, memory-mapped read-only, whatever its form or number of
// parts. Every count, length, offset and type has been checked against the file's real size. Immutable and safe to
// share between threads.
class ModelFile {
 public:
  virtual ~ModelFile() = default;

  // Tells the form by the magic and opens every part of a split file (any part may be named). Throws kNotFound, kIo,
  // kInvalidData, or kUnsupported with a sentence that names the file.
  static std::unique_ptr<ModelFile> open(const std::filesystem::path& path, const LegacyHints& hints = {});

  FileForm form() const { return form_; }
  const std::filesystem::path& path() const { return path_; }  // of the first part
  const Metadata& metadata() const { return metadata_; }
  std::span<const TensorInfo> tensors() const { return tensors_; }
  const TensorInfo* find(std::string_view name) const;  // null when absent
  // Throws kInvalidData that names the tensor and the file.
  const TensorInfo& require(std::string_view name) const;
  uint64_t total_bytes() const { return total_bytes_; }  // of all parts on disk

  // Tells the system how tensors are about to be read: kNormal (from the beginning) means in large pieces.
  virtual void expect(platform::AccessHint access) const = 0;
  // Tells the system that these bytes of a tensor are not needed in memory any more (they can be read again from disk).
  virtual void release_pages(std::span<const std::byte> data) const = 0;

 protected:
  ModelFile() = default;
  void index_tensors();

  FileForm form_ = FileForm::kGguf;
  std::filesystem::path path_;
  Metadata metadata_;
  std::vector<TensorInfo> tensors_;
  std::map<std::string, size_t, std::less<>> by_name_;
  uint64_t total_bytes_ = 0;
};

// Throws, with a sentence that names the file, kInvalidArgument for an adapter and kUnsupported for a form that holds
// tensors but no numbers of a model (safetensors).
void require_model(const ModelFile& file);

// A tensor to be written: the data must stay valid until write() returns.
struct TensorToWrite {
  std::string name;
  quant::DType type;
  std::vector<int64_t> shape;  // shape[0] = row length
  std::span<const std::byte> data;
};

// Writes GGUF v3 (alignment 32, or general.alignment from `metadata`) atomically: to a temporary file beside `path`,
// synced, then renamed over it; on failure (kIo, e.g. a full disk) the temporary file is removed and `path` is as it
// was. Throws kInvalidArgument for a tensor whose data, shape and type disagree and for names given twice. A file too
// large to hold in memory is written piece by piece by io::GgufWriter (io/gguf/writer.h).
void write_gguf(const std::filesystem::path& path, const Metadata& metadata, std::span<const TensorToWrite> tensors);

}  // namespace patina::io
