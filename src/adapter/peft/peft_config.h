#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapter/peft/name_pattern.h"

namespace patina::adapter::peft {

// What of adapter_config.json decides how an adapter acts (peft 0.21, tuners/lora/config.py: LoraConfig). The ranks are
// those of the tensors.
struct PeftConfig {
  double alpha = 8;
  bool rank_stabilized = false;  // use_rslora: alpha / sqrt(rank) in place of alpha / rank (Kalajdzievski 2023)
  bool magnitudes = false;       // use_dora
  std::vector<std::pair<NamePattern, double>> alpha_pattern;  // the first that matches a module's name counts
  std::string base_name;                                      // base_model_name_or_path, may be empty

  // The factor on B (A x) of the module "model.layers.0.self_attn.q_proj".
  float scale(std::string_view module, int64_t rank) const;
};

// Parses the text of adapter_config.json. Throws, with a sentence that begins with `source`, kInvalidData for what is
// no such text, kUnsupported for another method than LoRA and for what patina does not apply: biases, layers that were
// trained whole, initializations that changed the base model.
PeftConfig parse_peft_config(std::string_view text, const std::string& source);
// The same of a file; kNotFound and kIo where it cannot be read.
PeftConfig read_peft_config(const std::filesystem::path& path);

// A module and its rank.
using ModuleRank = std::pair<std::string, int64_t>;

// An adapter_config.json of modules that each act with alpha / rank; alpha 0 means a factor of 1.
std::string peft_config_text(const std::vector<ModuleRank>& modules, float alpha, std::string_view base_name,
                             bool magnitudes);

}  // namespace patina::adapter::peft
