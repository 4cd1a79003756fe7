#include "adapter/peft/module_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <tuple>

#include "adapter/linear_site.h"

namespace patina::adapter::peft {

namespace {

struct NamePair {
  std::string_view module;
  std::string_view site;
};

// Of one layer, after the prefix with the layer's number.
constexpr std::array kNames = {
    NamePair{"self_attn.q_proj", "attn_q"}, NamePair{"self_attn.k_proj", "attn_k"},
    NamePair{"self_attn.v_proj", "attn_v"}, NamePair{"self_attn.o_proj", "attn_output"},
    NamePair{"mlp.gate_proj", "ffn_gate"},  NamePair{"mlp.up_proj", "ffn_up"},
    NamePair{"mlp.down_proj", "ffn_down"},
};

// Outside the layers; the first of a site is the one that is written.
constexpr std::array kOutside = {
    NamePair{"model.embed_tokens", kEmbeddingName},
    NamePair{"model.language_model.embed_tokens", kEmbeddingName},
    NamePair{"language_model.model.embed_tokens", kEmbeddingName},
    NamePair{"lm_head", kOutputName},
    NamePair{"language_model.lm_head", kOutputName},
};

// The first is the one that is written.
constexpr std::array<std::string_view, 3> kModulePrefixes = {"model.layers.", "model.language_model.layers.",
                                                             "language_model.model.layers."};
constexpr std::string_view kSitePrefix = "blk.";

// A layer's number and what follows it.
struct Place {
  std::string_view number;
  std::string_view name;
};

std::optional<Place> place_after(std::string_view prefix, std::string_view text) {
  if (!text.starts_with(prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  const size_t dot = text.find('.');
  const bool is_number = dot != 0 && dot != std::string_view::npos &&
                         text.substr(0, dot).find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_number) return std::nullopt;
  return Place{text.substr(0, dot), text.substr(dot + 1)};
}

enum class Region { kEmbedding, kBlocks, kOther };

std::tuple<Region, uint64_t, const NamePair*, std::string_view> key_of(std::string_view site) {
  const std::optional<Place> place = place_after(kSitePrefix, site);
  if (!place.has_value()) {
    return {site == kEmbeddingName ? Region::kEmbedding : Region::kOther, 0, kNames.end(), site};
  }
  uint64_t number = UINT64_MAX;
  std::from_chars(place->number.data(), place->number.data() + place->number.size(), number);
  return {Region::kBlocks, number, std::ranges::find(kNames, place->name, &NamePair::site), site};
}

}  // namespace

std::optional<std::string> site_of(std::string_view module) {
  const auto* outside = std::ranges::find(kOutside, module, &NamePair::module);
  if (outside != kOutside.end()) return std::string(outside->site);
  for (const std::string_view prefix : kModulePrefixes) {
    const std::optional<Place> place = place_after(prefix, module);
    if (!place.has_value()) continue;
    const auto* found = std::ranges::find(kNames, place->name, &NamePair::module);
    if (found == kNames.end()) return std::nullopt;
    return std::string(kSitePrefix).append(place->number).append(".").append(found->site);
  }
  return std::nullopt;
}

std::optional<std::string> module_of(std::string_view site) {
  const auto* outside = std::ranges::find(kOutside, site, &NamePair::site);
  if (outside != kOutside.end()) return std::string(outside->module);
  const std::optional<Place> place = place_after(kSitePrefix, site);
  if (!place.has_value()) return std::nullopt;
  const auto* found = std::ranges::find(kNames, place->name, &NamePair::site);
  if (found == kNames.end()) return std::nullopt;
  return std::string(kModulePrefixes.front()).append(place->number).append(".").append(found->module);
}

bool comes_before(std::string_view site, std::string_view other) { return key_of(site) < key_of(other); }

}  // namespace patina::adapter::peft
