#include "adapter/lora_adapter.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "adapter/lora_tensors.h"
#include "adapter/normal_numbers.h"
#include "adapter/weight_change.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/split_mix.h"

namespace patina::adapter {

namespace {

// In [-1, 1), exact in f32.
float symmetric(SplitMix& random) { return static_cast<float>(random.next() >> 40) * 0x1p-23F - 1.0F; }

// So that a site's numbers do not depend on which others are chosen.
uint64_t hash(std::string_view text) {
  Digest digest;
  digest.add(std::as_bytes(std::span(text)));
  return digest.value();
}

// "attn_q" of "blk.0.attn_q".
std::string_view layer_name(std::string_view site) { return site.substr(site.rfind('.') + 1); }

bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return matches(pattern.substr(1), text) || (!text.empty() && matches(pattern, text.substr(1)));
  }
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) && matches(pattern.substr(1), text.substr(1));
}

bool names_output(std::string_view target) { return target == kOutputName || target == "lm_head"; }

// One part of a list of targets.
bool names(std::string_view target, const LinearSite& site) {
  if (site.kind == SiteKind::kEmbedding) return target == kEmbeddingName || target == "embed_tokens";
  if (site.kind == SiteKind::kOutput) return names_output(target);
  const std::string_view layer = layer_name(site.name);
  if (target == "all") return true;
  if (target == "attn") return layer.starts_with("attn_");
  return matches(target, target.find('.') == std::string_view::npos ? layer : site.name);
}

std::string layer_names(std::span<const LinearSite> sites) {
  std::vector<std::string_view> list;
  for (const LinearSite& site : sites) {
    const std::string_view layer = layer_name(site.name);
    if (std::find(list.begin(), list.end(), layer) == list.end()) list.push_back(layer);
  }
  return fmt::format("{}", fmt::join(list, ", "));
}

std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t comma = std::min(list.find(','), list.size());
    parts.push_back(list.substr(0, comma));
    if (comma == list.size()) return parts;
    list.remove_prefix(comma + 1);
  }
}

[[noreturn]] void refuse_site(std::string_view site, std::string_view label) {
  if (is_norm(site)) {
    fail(ErrorKind::kUnsupported,
         "{} changes {}; patina applies adapters to matrices only, but patina merge puts it into the model", label,
         site);
  }
  if (site == kOutputName) {
    fail(ErrorKind::kIncompatible,
         "{} does not fit this model: it changes the output matrix, and this model has none besides its token "
         "embeddings; train one without that for it",
         label);
  }
  fail(ErrorKind::kIncompatible, "{} does not fit this model: it changes {}, which the model does not have", label,
       site);
}

[[noreturn]] void refuse_target(std::string_view target, std::span<const LinearSite> sites) {
  if (names_output(target)) {
    fail(ErrorKind::kInvalidArgument,
         "'{}' cannot be trained: this model's token embeddings serve as its output matrix, and adapters have no name "
         "for that use alone; leave it out, or name token_embd to train the embeddings",
         target);
  }
  fail(ErrorKind::kInvalidArgument, "'{}' names no layer of this model; use all, attn, or a list of: {}", target,
       layer_names(sites));
}

// A number of a list that a user wrote; empty for anything else.
std::optional<int64_t> to_number(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= 0 ? std::optional(number) : std::nullopt;
}

// 8 of "blk.8.attn_q", -1 of a layer outside the blocks.
int64_t block_of(std::string_view site) {
  constexpr std::string_view kBlock = "blk.";
  if (!site.starts_with(kBlock)) return -1;
  site.remove_prefix(kBlock.size());
  return to_number(site.substr(0, site.find('.'))).value_or(-1);
}

struct BlockRange {
  int64_t first;
  int64_t last;  // included
};

// Of "8-15", "3" and "8-".
std::vector<BlockRange> parse_layers(std::string_view layers, int64_t blocks) {
  std::vector<BlockRange> ranges;
  for (const std::string_view part : split(layers)) {
    const size_t dash = part.find('-');
    const std::optional<int64_t> first = to_number(part.substr(0, dash));
    std::optional<int64_t> last = first;
    if (dash != std::string_view::npos) {
      last = dash + 1 == part.size() ? std::optional(blocks - 1) : to_number(part.substr(dash + 1));
    }
    if (!first || !last || *first > *last || *last >= blocks) {
      fail(ErrorKind::kInvalidArgument,
           "'{}' is no range of layers; this model has the layers 0 to {}: write 0-{} or a list like 0,2,4-", part,
           blocks - 1, blocks - 1);
    }
    ranges.push_back({*first, *last});
  }
  return ranges;
}

// One part of LoraOptions::rank_pattern.
struct RankRule {
  std::string_view pattern;
  int64_t rank;
};

void check_rank(int64_t rank) {
  if (rank >= 1 && rank <= kMaxRank) return;
  fail(ErrorKind::kInvalidArgument, "the rank of an adapter is {}; it must be 1 to {}", rank, kMaxRank);
}

std::vector<RankRule> parse_ranks(std::span<const LinearSite> selected, std::string_view patterns) {
  std::vector<RankRule> rules;
  if (patterns.empty()) return rules;
  for (const std::string_view part : split(patterns)) {
    const size_t equals = std::min(part.find('='), part.size());
    const std::string_view pattern = part.substr(0, equals);
    const std::optional<int64_t> rank = to_number(part.substr(std::min(equals + 1, part.size())));
    if (!rank) fail(ErrorKind::kInvalidArgument, "'{}' gives no rank; write patterns like attn_*=16,ffn_*=4", part);
    check_rank(*rank);
    if (std::ranges::none_of(selected, [&](const LinearSite& site) { return names(pattern, site); })) {
      fail(ErrorKind::kInvalidArgument, "'{}' fits no layer that is trained; these are: {}", pattern,
           layer_names(selected));
    }
    rules.push_back({pattern, *rank});
  }
  return rules;
}

void check_lora_options(const LoraOptions& options) {
  check_rank(options.rank);
  if (!std::isfinite(options.alpha) || options.alpha <= 0.0F) {
    fail(ErrorKind::kInvalidArgument, "the alpha of an adapter is {}; it must be more than 0", options.alpha);
  }
  if (options.rank_stabilized && !options.rank_pattern.empty()) {
    fail(ErrorKind::kInvalidArgument, "--rslora takes one rank for all layers; leave --lora-rank-pattern out");
  }
}

// Which sites an adapter's entries correct, in the order of the entries.
std::vector<size_t> fit(const LoraAdapter& adapter, std::string_view label, const AttachmentTarget& target) {
  if (adapter.architecture != target.architecture) {
    fail(ErrorKind::kIncompatible, "{} does not fit this model: it was made for a model of architecture {}, this is {}",
         label, adapter.architecture, target.architecture);
  }
  std::map<std::string_view, size_t> numbers;
  for (size_t i = 0; i < target.sites.size(); ++i) numbers.emplace(target.sites[i].name, i);
  std::vector<size_t> sites;
  for (const LoraEntry& entry : adapter.entries) {
    const auto found = numbers.find(entry.site);
    if (found == numbers.end()) refuse_site(entry.site, label);
    const LinearSite& site = target.sites[found->second];
    if (entry.a.cols() != site.in || entry.b.rows() != site.out) {
      fail(ErrorKind::kIncompatible, "{} does not fit this model: {} is {} x {} in the adapter, {} x {} in the model",
           label, entry.site, entry.b.rows(), entry.a.cols(), site.out, site.in);
    }
    sites.push_back(found->second);
  }
  return sites;
}

}  // namespace

int64_t LoraAdapter::parameters() const {
  int64_t sum = 0;
  for (const LoraEntry& entry : entries) sum += entry.a.size() + entry.b.size() + entry.magnitude.size();
  return sum;
}

bool LoraAdapter::has_magnitudes() const {
  return std::ranges::any_of(entries, [](const LoraEntry& entry) { return static_cast<bool>(entry.magnitude); });
}

void set_scales(LoraAdapter& adapter, std::span<const float> scales) {
  if (adapter.entries.empty()) return;
  const auto first = std::ranges::find_if(scales, [](float scale) { return scale != 0.0F; });
  const auto index = first == scales.end() ? 0 : static_cast<size_t>(first - scales.begin());
  const float reference = first == scales.end() ? 1.0F : *first;
  adapter.alpha = reference * static_cast<float>(adapter.entries[index].rank());
  tensor::BufferPool pool;
  for (size_t i = 0; i < scales.size(); ++i) {
    LoraEntry& entry = adapter.entries[i];
    entry.b = multiplied(entry.b, scales[i] / adapter.scale(entry), pool);
  }
}

std::vector<LinearSite> select_sites(std::span<const LinearSite> sites, std::string_view targets,
                                     std::string_view layers) {
  std::set<std::string_view> wanted;
  for (const std::string_view target : split(targets)) {
    const auto count = std::count_if(sites.begin(), sites.end(), [&](const LinearSite& site) {
      if (!names(target, site)) return false;
      wanted.insert(site.name);
      return true;
    });
    if (count == 0) refuse_target(target, sites);
  }
  std::vector<LinearSite> selected;
  for (const LinearSite& site : sites) {
    if (wanted.contains(site.name)) selected.push_back(site);
  }
  if (layers.empty()) return selected;
  int64_t blocks = 0;
  for (const LinearSite& site : sites) blocks = std::max(blocks, block_of(site.name) + 1);
  const std::vector<BlockRange> ranges = parse_layers(layers, blocks);
  std::erase_if(selected, [&](const LinearSite& site) {
    if (site.kind != SiteKind::kLayer) return false;
    const int64_t block = block_of(site.name);
    return std::ranges::none_of(ranges, [&](BlockRange range) { return range.first <= block && block <= range.last; });
  });
  if (selected.empty()) {
    fail(ErrorKind::kInvalidArgument, "no layer '{}' is in the blocks {}; choose others", targets, layers);
  }
  return selected;
}

LoraAdapter create_lora(std::span<const LinearSite> sites, const LoraOptions& options) {
  check_lora_options(options);
  LoraAdapter adapter;
  adapter.alpha = options.alpha;
  if (options.rank_stabilized) adapter.alpha *= std::sqrt(static_cast<float>(options.rank));
  tensor::BufferPool pool;
  const std::vector<LinearSite> selected = select_sites(sites, options.targets, options.layers);
  const std::vector<RankRule> rules = parse_ranks(selected, options.rank_pattern);
  for (const LinearSite& site : selected) {
    const auto rule = std::ranges::find_if(rules, [&](const RankRule& r) { return names(r.pattern, site); });
    const int64_t rank = rule == rules.end() ? options.rank : rule->rank;
    LoraEntry entry{site.name, pool.make(rank, site.in), pool.make_zero(site.out, rank)};
    SplitMix random(options.seed ^ hash(site.name));
    const float bound = 1.0F / std::sqrt(static_cast<float>(site.in));
    for (float& value : entry.a.values()) {
      value = site.kind == SiteKind::kEmbedding ? normal_number(random) : symmetric(random) * bound;
    }
    adapter.entries.push_back(std::move(entry));
  }
  return adapter;
}

void add_magnitudes(LoraAdapter& adapter, const BaseWeights& base) {
  for (LoraEntry& entry : adapter.entries) {
    if (entry.site == kEmbeddingName || entry.site == kOutputName) {
      fail(ErrorKind::kUnsupported,
           "magnitudes (DoRA) are trained of layers inside the blocks only; leave {} out of --lora-targets",
           entry.site);
    }
    entry.magnitude = row_lengths(entry, 0.0F, base);
  }
}

void attach_lora(const LoraAdapter& adapter, std::string_view label, float scale, const AttachmentTarget& target,
                 Attachment& attachment, const LogSink& sink) {
  if (!std::isfinite(scale)) fail(ErrorKind::kInvalidArgument, "the scale of {} is {}; give a number", label, scale);
  const std::vector<size_t> sites = fit(adapter, label, target);
  if (adapter.base_fingerprint != 0 && target.fingerprint != 0 && adapter.base_fingerprint != target.fingerprint) {
    log(sink, LogLevel::kWarning,
        fmt::format("{} was trained on another model of this shape{}; answers may be worse than with that one", label,
                    adapter.base_name.empty() ? "" : fmt::format(" ({})", adapter.base_name)));
  }
  std::vector<ops::LoraTerm> terms;
  for (size_t i = 0; i < sites.size(); ++i) {
    const LoraEntry& entry = adapter.entries[i];
    ops::LoraTerm& term = terms.emplace_back();
    term.a = entry.a;
    term.b = entry.b;
    term.scale = scale * adapter.scale(entry);
    if (!entry.magnitude) continue;
    const auto has_gain = [](const ops::LoraTerm& other) { return static_cast<bool>(other.gain); };
    if (std::ranges::any_of(attachment.at(sites[i]), has_gain)) {
      fail(ErrorKind::kUnsupported, "{} is the second adapter with magnitudes (DoRA) at {}; only one can act", label,
           entry.site);
    }
    if (target.weights == nullptr) {
      fail(ErrorKind::kUnsupported, "{} has magnitudes (DoRA), which cannot be applied here", label);
    }
    term.gain = gains(entry, term.scale, *target.weights);
    term.magnitude = entry.magnitude;
  }
  for (size_t i = 0; i < sites.size(); ++i) attachment.add(sites[i], std::move(terms[i]));
}

std::string shared_prompt_template(std::span<const LoraAdapter> adapters) {
  std::string_view shared;
  for (const LoraAdapter& adapter : adapters) {
    const std::string_view own = adapter.prompt_template;
    if (own.empty() || own == shared) continue;
    if (!shared.empty()) {
      fail(ErrorKind::kIncompatible,
           "the adapters were trained on different prompt templates ({} and {}); choose one with --template", shared,
           own);
    }
    shared = own;
  }
  return std::string(shared);
}

}  // namespace patina::adapter
