#include "adapter/peft/peft_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "io/printable.h"
#include "platform/mapped_file.h"

namespace patina::adapter::peft {

namespace {

using nlohmann::ordered_json;

constexpr double kLargestWhole = 1e9;

// Entries that change what an adapter does, and that patina does not know. Fine where they are missing, null, false or
// empty.
constexpr std::array<const char*, 9> kForeign = {
    "fan_in_fan_out",          "modules_to_save", "layer_replication", "trainable_token_indices", "target_parameters",
    "alora_invocation_tokens", "use_qalora",      "lora_bias",         "ensure_weight_tying",
};

// Initializations that take what the new adapter does out of the base model's weights, so that the adapter belongs to
// other weights than the file's.
constexpr std::array<std::string_view, 5> kChangesBase = {"pissa", "olora", "corda", "loftq", "lora_ga"};

bool is_off(const ordered_json& value) {
  return value.is_null() || value == false || ((value.is_array() || value.is_object()) && value.empty());
}

// Fails for an entry of another type.
template <typename T>
T get_or(const ordered_json& config, const char* key, T fallback, const std::string& source) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return fallback;
  bool fits = found->is_string();
  if constexpr (std::is_same_v<T, bool>) fits = found->is_boolean();
  if constexpr (std::is_same_v<T, double>) fits = found->is_number() && std::isfinite(found->get<double>());
  if (!fits) fail(ErrorKind::kInvalidData, "{}: {} is not what it should be", source, key);
  return found->get<T>();
}

ordered_json parse(std::string_view text, const std::string& source) {
  try {
    ordered_json config = ordered_json::parse(text);
    if (config.is_object()) return config;
  } catch (const ordered_json::exception& error) {
    fail(ErrorKind::kInvalidData, "{} is no JSON ({})", source, io::printable(error.what()));
  }
  fail(ErrorKind::kInvalidData, "{} is no JSON object", source);
}

void check_method(const ordered_json& config, const std::string& source) {
  const auto method = get_or<std::string>(config, "peft_type", "", source);
  if (method != "LORA") {
    fail(ErrorKind::kUnsupported, "{} is of an adapter of the type {}; patina applies LORA", source,
         method.empty() ? "?" : io::printable(method));
  }
  for (const char* key : kForeign) {
    if (config.contains(key) && !is_off(config[key])) {
      fail(ErrorKind::kUnsupported, "{} asks for {}, which patina does not apply", source, key);
    }
  }
  const auto bias = get_or<std::string>(config, "bias", "none", source);
  if (bias != "none") {
    fail(ErrorKind::kUnsupported, "{} is of an adapter with biases ({}), which patina does not apply", source,
         io::printable(bias));
  }
  const auto found = config.find("init_lora_weights");
  if (found == config.end() || !found->is_string()) return;
  const auto initialization = found->get<std::string>();
  if (std::ranges::any_of(kChangesBase, [&](std::string_view name) { return initialization.starts_with(name); })) {
    fail(ErrorKind::kUnsupported,
         "{} is of an adapter begun with {}, which belongs to changed weights of its model; save it again with "
         "path_initial_model_for_weight_conversion",
         source, io::printable(initialization));
  }
}

// As a whole number where it is one, as other programs have it.
ordered_json number(double value) {
  if (value == std::floor(value) && std::fabs(value) < kLargestWhole) return static_cast<int64_t>(value);
  return value;
}

int64_t most_common_rank(const std::vector<ModuleRank>& modules) {
  std::map<int64_t, int64_t> counts;
  for (const auto& [module, rank] : modules) ++counts[rank];
  return std::ranges::max_element(counts, {}, &std::pair<const int64_t, int64_t>::second)->first;
}

}  // namespace

float PeftConfig::scale(std::string_view module, int64_t rank) const {
  const auto found = std::ranges::find_if(alpha_pattern, [&](const auto& p) { return p.first.matches(module); });
  const double own = found == alpha_pattern.end() ? alpha : found->second;
  const auto r = static_cast<double>(rank);
  return static_cast<float>(own / (rank_stabilized ? std::sqrt(r) : r));
}

PeftConfig parse_peft_config(std::string_view text, const std::string& source) {
  const ordered_json json = parse(text, source);
  check_method(json, source);
  PeftConfig config;
  config.alpha = get_or(json, "lora_alpha", config.alpha, source);
  config.rank_stabilized = get_or(json, "use_rslora", false, source);
  config.magnitudes = get_or(json, "use_dora", false, source);
  config.base_name = get_or<std::string>(json, "base_model_name_or_path", "", source);
  const auto pattern = json.find("alpha_pattern");
  if (pattern == json.end() || pattern->is_null()) return config;
  if (!pattern->is_object()) fail(ErrorKind::kInvalidData, "{}: alpha_pattern is no object", source);
  for (const auto& [key, value] : pattern->items()) {
    config.alpha_pattern.emplace_back(NamePattern(key, source), get_or(*pattern, key.c_str(), 0.0, source));
  }
  return config;
}

PeftConfig read_peft_config(const std::filesystem::path& path) {
  const platform::MappedFile file(path);
  return parse_peft_config({reinterpret_cast<const char*>(file.bytes().data()), file.size()}, path.string());
}

std::string peft_config_text(const std::vector<ModuleRank>& modules, float alpha, std::string_view base_name,
                             bool magnitudes) {
  const int64_t rank = most_common_rank(modules);
  ordered_json targets = ordered_json::array();
  ordered_json ranks = ordered_json::object();
  ordered_json alphas = ordered_json::object();
  for (const auto& [module, own] : modules) {
    targets.push_back(module);
    if (own == rank) continue;
    ranks[module] = own;
    if (alpha == 0.0F) alphas[module] = own;
  }
  ordered_json config = {
      {"alpha_pattern", alphas},
      {"auto_mapping", nullptr},
      {"base_model_name_or_path", base_name.empty() ? ordered_json(nullptr) : ordered_json(base_name)},
      {"bias", "none"},
      {"fan_in_fan_out", false},
      {"inference_mode", true},
      {"init_lora_weights", true},
      {"lora_alpha", number(alpha == 0.0F ? static_cast<double>(rank) : alpha)},
      {"lora_dropout", 0.0},
      {"modules_to_save", nullptr},
      {"peft_type", "LORA"},
      {"r", rank},
      {"rank_pattern", ranks},
      {"target_modules", targets},
      {"task_type", "CAUSAL_LM"},
      {"use_dora", magnitudes},
      {"use_rslora", false},
  };
  constexpr int kIndent = 2;
  return config.dump(kIndent, ' ', false, ordered_json::error_handler_t::replace).append("\n");
}

}  // namespace patina::adapter::peft
