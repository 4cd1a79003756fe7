#pragma once

#include <string>
#include <string_view>

#include "adapter/base_model.h"
#include "tensor/tensor.h"

// In GGUF files of the architecture `llama` the rows of the query and key matrices are in another order than in Hugging
// Face's: rope turns neighbouring rows there, and rows half a head apart here (llama.cpp, convert_hf_to_gguf.py:
// LlamaModel.permute). Row 2j + p of a head there is row j + p * head_dim / 2 here. What follows the rows, as B of an
// adapter does, is in that order too.
namespace patina::adapter::peft {

enum class RowOrder { kGguf, kHuggingFace };

// Whether the order of the rows of `site` ("blk.0.attn_q") differs in models of this architecture.
bool has_head_order(std::string_view architecture, std::string_view site);

// A matrix with the rows of `matrix`, which are in the other order, in the order `to`; `matrix` itself where there is
// no difference. Throws kIncompatible, beginning with `source`, when the rows are no whole number of heads.
tensor::Tensor in_order(RowOrder to, const tensor::Tensor& matrix, std::string_view site, const BaseModel& base,
                        const std::string& source);

}  // namespace patina::adapter::peft
