#include "adapter/peft/head_order.h"

#include <algorithm>

#include "base/error.h"
#include "io/printable.h"

namespace patina::adapter::peft {

namespace {

bool is_query(std::string_view site) { return site.ends_with(".attn_q"); }
bool is_key(std::string_view site) { return site.ends_with(".attn_k"); }

}  // namespace

bool has_head_order(std::string_view architecture, std::string_view site) {
  return architecture == "llama" && (is_query(site) || is_key(site));
}

tensor::Tensor in_order(RowOrder to, const tensor::Tensor& matrix, std::string_view site, const BaseModel& base,
                        const std::string& source) {
  if (!has_head_order(base.architecture, site)) return matrix;
  const int64_t heads = is_query(site) ? base.heads : base.kv_heads;
  if (heads < 1 || matrix.rows() % (2 * heads) != 0) {
    fail(ErrorKind::kIncompatible,
         "{} does not fit the model: the {} rows of {} are no whole number of pairs in {} heads", source, matrix.rows(),
         io::printable(site), heads);
  }
  const int64_t head_dim = matrix.rows() / heads;
  tensor::BufferPool pool;
  const tensor::Tensor result = pool.make(matrix.rows(), matrix.cols());
  for (int64_t head = 0; head < heads; ++head) {
    for (int64_t row = 0; row < head_dim; ++row) {
      const int64_t gguf = head * head_dim + row;
      const int64_t hugging_face = head * head_dim + row / 2 + row % 2 * (head_dim / 2);
      const int64_t from = to == RowOrder::kGguf ? hugging_face : gguf;
      const int64_t place = to == RowOrder::kGguf ? gguf : hugging_face;
      std::copy_n(matrix.row(from), matrix.cols(), result.row(place));
    }
  }
  return result;
}

}  // namespace patina::adapter::peft
