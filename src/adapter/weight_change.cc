#include "adapter/weight_change.h"

#include <cmath>
#include <utility>

#include "base/error.h"
#include "io/printable.h"

namespace patina::adapter {

WeightChange::WeightChange(const LoraAdapter& adapter, std::string_view label, float scale, const io::ModelFile& base,
                           const kernels::Kernels& kernels)
    : kernels_(kernels) {
  const std::string architecture = base.metadata().get_string("general.architecture");
  if (adapter.architecture != architecture) {
    fail(ErrorKind::kIncompatible, "{} does not fit {}: it was made for a model of architecture {}, this is {}", label,
         base.path().string(), io::printable(adapter.architecture), io::printable(architecture));
  }
  if (!std::isfinite(scale)) fail(ErrorKind::kInvalidArgument, "the scale of {} is {}; give a number", label, scale);
  for (const LoraEntry& entry : adapter.entries) {
    const std::string name = std::string(entry.site).append(".weight");
    const io::TensorInfo* tensor = base.find(name);
    if (tensor == nullptr) {
      fail(ErrorKind::kIncompatible, "{} does not fit {}: it changes {}, which the model does not have", label,
           base.path().string(), io::printable(name));
    }
    if (tensor->shape.size() > 2 || tensor->rows() != entry.b.rows() || tensor->row_length() != entry.a.cols()) {
      fail(ErrorKind::kIncompatible, "{} does not fit {}: {} is {} x {} in the adapter, {} x {} in the model", label,
           base.path().string(), io::printable(name), entry.b.rows(), entry.a.cols(), tensor->rows(),
           tensor->row_length());
    }
    terms_.emplace(name, Term{entry, scale * adapter.scale(entry)});
  }
}

void WeightChange::apply(const io::TensorInfo& tensor, int64_t first, std::span<float> rows) const {
  const Term& term = terms_.find(tensor.name)->second;
  const LoraEntry& entry = term.entry;
  const int64_t in = entry.a.cols();
  const int64_t rank = entry.rank();
  const int64_t count = static_cast<int64_t>(rows.size()) / in;
  kernels_.vector.sgemm(false, false, count, in, rank, term.scale, entry.b.row(first), rank, entry.a.data(), in, 1.0F,
                        rows.data(), in);
}

}  // namespace patina::adapter
