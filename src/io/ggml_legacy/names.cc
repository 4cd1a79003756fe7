#include "io/ggml_legacy/names.h"

#include <algorithm>
#include <array>

namespace patina::io::ggjt {

namespace {

struct NamePair {
  std::string_view legacy;
  std::string_view gguf;
};

// Of one layer, after the prefix with the layer's number.
constexpr std::array kLayerNames = {
    NamePair{"attention.wq", "attn_q"},      NamePair{"attention.wk", "attn_k"},
    NamePair{"attention.wv", "attn_v"},      NamePair{"attention.wo", "attn_output"},
    NamePair{"attention_norm", "attn_norm"}, NamePair{"ffn_norm", "ffn_norm"},
    NamePair{"feed_forward.w1", "ffn_gate"}, NamePair{"feed_forward.w2", "ffn_down"},
    NamePair{"feed_forward.w3", "ffn_up"},
};

constexpr std::array kModelNames = {
    NamePair{"tok_embeddings", "token_embd"},
    NamePair{"norm", "output_norm"},
    NamePair{"output", "output"},
};

constexpr NamePair kLayerPrefix = {"layers.", "blk."};
constexpr std::string_view kSuffix = ".weight";

using Side = std::string_view NamePair::*;

template <size_t N>
std::optional<std::string_view> translate(const std::array<NamePair, N>& names, std::string_view name, Side from,
                                          Side to) {
  const auto* found = std::ranges::find(names, name, from);
  if (found == names.end()) return std::nullopt;
  return (*found).*to;
}

std::optional<std::string> translate(std::string_view name, Side from, Side to) {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  if (!name.starts_with(kLayerPrefix.*from)) {
    const auto core = translate(kModelNames, name, from, to);
    if (!core.has_value()) return std::nullopt;
    return std::string(*core).append(kSuffix);
  }
  name.remove_prefix((kLayerPrefix.*from).size());
  const std::string_view number = name.substr(0, name.find('.'));
  const bool is_number = !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_number || number.size() == name.size()) return std::nullopt;
  const auto core = translate(kLayerNames, name.substr(number.size() + 1), from, to);
  if (!core.has_value()) return std::nullopt;
  return std::string(kLayerPrefix.*to).append(number).append(".").append(*core).append(kSuffix);
}

}  // namespace

std::optional<std::string> to_gguf_name(std::string_view name) {
  return translate(name, &NamePair::legacy, &NamePair::gguf);
}

std::optional<std::string> from_gguf_name(std::string_view name) {
  return translate(name, &NamePair::gguf, &NamePair::legacy);
}

}  // namespace patina::io::ggjt
