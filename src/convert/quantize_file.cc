#include "convert/quantize_file.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "io/gguf/writer.h"
#include "io/printable.h"
#include "io/tensor_rows.h"
#include "quant/quantize.h"

namespace patina::convert {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kQuantizationVersion = 2;    // GGUF's, of the blocks as they are today (ggml.h: GGML_QNT_VERSION)
constexpr int64_t kPieceElements = 1 << 22;     // written at once
constexpr int64_t kWorkerElements = 1 << 16;    // dequantized at once by one thread
constexpr size_t kCopyBytes = size_t{1} << 24;  // of a tensor whose type stays

// Whether `out` is the input or, of a split one, has the name of one of its parts.
bool is_part_of(const fs::path& in, const fs::path& out) {
  std::error_code ignored;
  if (fs::equivalent(in, out, ignored)) return true;
  const auto without_digits = [](std::string name) {
    std::ranges::replace_if(name, [](char c) { return c >= '0' && c <= '9'; }, '0');
    return name;
  };
  const std::string name = without_digits(in.filename().string());
  return name.find("-00000-of-00000") != std::string::npos && name == without_digits(out.filename().string()) &&
         fs::equivalent(fs::absolute(in).parent_path(), fs::absolute(out).parent_path(), ignored);
}

void check_input(const io::ModelFile& in, const fs::path& out) {
  if (is_part_of(in.path(), out)) {
    fail(ErrorKind::kInvalidArgument, "{} is the input itself; name another file for the output", out.string());
  }
  io::require_model(in);
  if (in.tensors().empty()) {
    fail(ErrorKind::kInvalidData, "{} holds no tensors, so there is nothing to quantize", in.path().string());
  }
}

std::vector<quant::DType> new_types(const io::Metadata& metadata, std::span<const io::TensorInfo> tensors,
                                    std::optional<FileType> target) {
  if (target.has_value()) return choose_types(metadata, tensors, *target);
  std::vector<quant::DType> types;
  for (const io::TensorInfo& tensor : tensors) types.push_back(tensor.type);
  return types;
}

io::Metadata new_metadata(const io::ModelFile& in, std::optional<FileType> target, const WeightEdit& edit) {
  io::Metadata metadata = in.metadata();
  for (const auto& [key, text] : edit.metadata) metadata.set(key, text);
  if (!target.has_value()) return metadata;
  metadata.set("general.quantization_version", kQuantizationVersion);
  metadata.set("general.file_type", static_cast<uint64_t>(*target));
  return metadata;
}

// Turns one tensor after another into bytes of another type, by pieces of whole rows.
class TensorConverter {
 public:
  TensorConverter(ThreadPool& pool, io::GgufWriter& writer)
      : pool_(pool), writer_(writer), weights_(static_cast<size_t>(pool.size())) {}

  void copy(std::span<const std::byte> data) {
    for (size_t begin = 0; begin < data.size(); begin += kCopyBytes) {
      writer_.append(data.subspan(begin, std::min(kCopyBytes, data.size() - begin)));
    }
  }

  // `edit`: null where the weights stay what they are.
  void convert(const io::TensorInfo& tensor, quant::DType type, const WeightEdit* edit) {
    const int64_t row = tensor.row_length();
    const int64_t rows_a_piece = std::max<int64_t>(1, kPieceElements / row);
    for (int64_t begin = 0; begin < tensor.rows(); begin += rows_a_piece) {
      const int64_t rows = std::min(rows_a_piece, tensor.rows() - begin);
      piece_.resize(static_cast<size_t>(rows * quant::row_bytes(type, row)));
      pool_.parallel_for(rows, std::max<int64_t>(1, kWorkerElements / row),
                         [&](int64_t first, int64_t last, int worker) {
                           std::vector<float>& weights = weights_[static_cast<size_t>(worker)];
                           weights.resize(static_cast<size_t>((last - first) * row));
                           io::dequantize_rows(tensor, begin + first, weights);
                           if (edit != nullptr) edit->apply(tensor, begin + first, weights);
                           write_rows(type, weights, row, first);
                         });
      writer_.append(piece_);
    }
  }

 private:
  // To the piece, from its row `first` on.
  void write_rows(quant::DType type, const std::vector<float>& weights, int64_t row, int64_t first) {
    const auto bytes = static_cast<size_t>(quant::row_bytes(type, row));
    const size_t rows = weights.size() / static_cast<size_t>(row);
    quant::quantize(type, weights, std::span(piece_).subspan(static_cast<size_t>(first) * bytes, rows * bytes), row);
  }

  ThreadPool& pool_;
  io::GgufWriter& writer_;
  std::vector<std::byte> piece_;
  std::vector<std::vector<float>> weights_;  // one a worker
};

}  // namespace

QuantizeReport quantize_model(const io::ModelFile& in, const fs::path& out, FileType target, ThreadPool& pool,
                              FunctionRef<void(const QuantizeStep&)> on_tensor) {
  const auto none = [](const io::TensorInfo&) { return false; };
  const auto nothing = [](const io::TensorInfo&, int64_t, std::span<float>) {};
  return edit_model(in, out, target, {.changes = none, .apply = nothing}, pool, on_tensor);
}

QuantizeReport edit_model(const io::ModelFile& in, const fs::path& out, std::optional<FileType> target,
                          const WeightEdit& edit, ThreadPool& pool, FunctionRef<void(const QuantizeStep&)> on_tensor) {
  check_input(in, out);
  std::vector<io::TensorInfo> tensors(in.tensors().begin(), in.tensors().end());
  tensors.insert(tensors.end(), edit.added.begin(), edit.added.end());
  const std::vector<quant::DType> types = new_types(in.metadata(), tensors, target);
  std::vector<io::TensorToCome> to_come;
  QuantizeReport report;
  for (size_t i = 0; i < types.size(); ++i) {
    const io::TensorInfo& tensor = tensors[i];
    to_come.push_back({tensor.name, types[i], tensor.shape});
    report.bytes_before += tensor.data.size();
    report.bytes_after += static_cast<uint64_t>(quant::row_bytes(types[i], tensor.elements()));
    report.elements += tensor.elements();
  }
  io::GgufWriter writer(out, new_metadata(in, target, edit), to_come);
  TensorConverter converter(pool, writer);
  for (size_t i = 0; i < types.size(); ++i) {
    const io::TensorInfo& tensor = tensors[i];
    on_tensor({tensor, types[i], i, types.size()});
    const bool changes = edit.changes(tensor);
    try {
      if (types[i] == tensor.type && !changes) {
        converter.copy(tensor.data);
      } else {
        converter.convert(tensor, types[i], changes ? &edit : nullptr);
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kInvalidData) throw;
      fail(error.kind(), "tensor {} of {}: {}", io::printable(tensor.name), in.path().string(), error.what());
    }
    in.release_pages(tensor.data);
  }
  writer.finish();
  return report;
}

}  // namespace patina::convert
