#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "adapter/adapter_form.h"
#include "adapter/combine.h"
#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/flags_model.h"
#include "apps/nearest.h"
#include "base/error.h"
#include "io/model_file.h"
#include "io/printable.h"
#include "model/hyperparameters.h"

namespace patina::apps {

namespace {

namespace fs = std::filesystem;

// --base, and what follows from it.
class BaseFlag {
 public:
  void add_to(CommandLine& line) {
    line.add("--base", path_, "FILE",
             "the model of the adapter: needed from and to PEFT, where rows depend on its heads");
    add_legacy_flags(line, hints_);
  }

  void open() {
    if (!path_.has_value()) return;
    const auto file = io::ModelFile::open(*path_, hints_);
    io::require_model(*file);
    base_ = model::base_model(model::read_hyperparameters(*file));
    if (file->form() == io::FileForm::kGgjt) names_ = adapter::GglaNames::kGgjt;
  }

  adapter::LoraAdapter load(const fs::path& path) const {
    adapter::LoraAdapter adapter = adapter::load_lora(path, base_);
    if (base_.has_value() && adapter.architecture != base_->architecture) {
      fail(ErrorKind::kIncompatible, "{} was made for a model of architecture {}, but --base is {}", path.string(),
           io::printable(adapter.architecture), base_->architecture);
    }
    return adapter;
  }

  // That writing `out` destroys neither the model nor one of `inputs`.
  void protect(const std::vector<fs::path>& inputs, const fs::path& out) const {
    std::error_code ignored;
    std::vector<fs::path> precious = inputs;
    if (path_.has_value()) precious.push_back(*path_);
    for (const fs::path& path : precious) {
      if (fs::equivalent(path, out, ignored)) {
        fail(ErrorKind::kInvalidArgument, "{} is read from; name another file for the output", out.string());
      }
    }
  }

  const std::optional<adapter::BaseModel>& base() const { return base_; }
  adapter::GglaNames names() const { return names_; }

 private:
  std::optional<fs::path> path_;
  io::LegacyHints hints_;
  std::optional<adapter::BaseModel> base_;
  adapter::GglaNames names_ = adapter::GglaNames::kGguf;
};

// --to and --type.
struct OutputFlags {
  std::string form = "gguf";
  std::string type = "f32";

  void add_to(CommandLine& line) {
    line.add("--to", form, "FORM", "gguf, peft (a folder) or ggla (llama.cpp before July 2024)")
        .one_of({"gguf", "peft", "ggla"});
    line.add("--type", type, "TYPE", "f16 or f32").one_of({"f16", "f32"});
  }

  void save(const CommandLine& line, const adapter::LoraAdapter& adapter, const fs::path& out,
            const BaseFlag& base) const {
    adapter::save_adapter(adapter, out,
                          {.form = adapter::form_from_name(form),
                           .type = type == "f32" ? quant::DType::kF32 : quant::DType::kF16,
                           .base = base.base(),
                           .ggla_names = base.names()});
    log(line.log(), LogLevel::kInfo,
        fmt::format("{}: {} matrices, {} parameters, {} in {}", out.string(), adapter.entries.size(),
                    adapter.parameters(), form, type));
  }
};

std::string text_or_dash(const std::string& text) { return text.empty() ? "-" : io::printable(text); }

void print_entries(const adapter::LoraAdapter& adapter) {
  size_t width = 0;
  for (const adapter::LoraEntry& entry : adapter.entries) width = std::max(width, entry.site.size());
  fmt::print("\n  {:{}} {:>8} {:>8} {:>5} {:>10} {:>12}\n", "layer", width, "in", "out", "rank", "scale", "norm of BA");
  for (const adapter::LoraEntry& entry : adapter.entries) {
    fmt::print("  {:{}} {:8} {:8} {:5} {:10.4g} {:12.4g}\n", io::printable(entry.site), width, entry.a.cols(),
               entry.b.rows(), entry.rank(), adapter.scale(entry), adapter::product_norm(adapter, entry));
  }
}

int run_adapter_info(const Invocation& call) {
  CommandLine line(call,
                   "Prints what an adapter holds. The norm is that of what is added to a weight, scale times B A.");
  fs::path path;
  line.add("FILE", path, "PATH", "a GGUF or ggla adapter, or a PEFT folder").required();
  if (!line.parse()) return kExitSuccess;
  const adapter::AdapterForm form = adapter::detect_adapter_form(path);
  const bool peft = form == adapter::AdapterForm::kPeft;
  const adapter::LoraAdapter adapter = peft ? adapter::load_lora(path, adapter::BaseModel{}) : adapter::load_lora(path);
  fmt::print("File: {}\nForm: {}\n", path.string(), adapter::form_name(form));
  fmt::print("Architecture: {}\nName: {}\nBase model: {}\n", text_or_dash(adapter.architecture),
             text_or_dash(adapter.name), text_or_dash(adapter.base_name));
  fmt::print("Base fingerprint: {}\n",
             adapter.base_fingerprint == 0 ? "-" : fmt::format("{:016x}", adapter.base_fingerprint));
  fmt::print("Prompt template: {}\nAlpha: {}\nMatrices: {}\nMagnitudes (DoRA): {}\nParameters: {}\n",
             text_or_dash(adapter.prompt_template), adapter.alpha, adapter.entries.size(),
             adapter.has_magnitudes() ? "yes" : "no", adapter.parameters());
  print_entries(adapter);
  return kExitSuccess;
}

// IN OUT, and what comes between.
struct OneToOne {
  fs::path in;
  fs::path out;
  BaseFlag base;
  OutputFlags output;

  void add_to(CommandLine& line) {
    line.add("IN", in, "PATH", "a GGUF or ggla adapter, or a PEFT folder").required();
    line.add("OUT", out, "PATH", "the file or folder to write, another than IN").required();
  }
  void add_flags_to(CommandLine& line) {
    output.add_to(line);
    base.add_to(line);
  }
  adapter::LoraAdapter load() {
    base.protect({in}, out);
    base.open();
    return base.load(in);
  }
};

int run_convert(const Invocation& call) {
  CommandLine line(call, "Writes an adapter in another form.");
  OneToOne flags;
  flags.add_to(line);
  flags.add_flags_to(line);
  line.flag("--to").required();
  if (!line.parse()) return kExitSuccess;
  flags.output.save(line, flags.load(), flags.out, flags.base);
  return kExitSuccess;
}

int run_scale(const Invocation& call) {
  CommandLine line(call,
                   "Makes an adapter act more or less strongly. Its alpha changes, its matrices stay as they are.");
  OneToOne flags;
  float factor = 1.0F;
  flags.add_to(line);
  line.add("FACTOR", factor, "X", "how strongly, of what it was").required();
  flags.add_flags_to(line);
  if (!line.parse()) return kExitSuccess;
  flags.output.save(line, adapter::scaled(flags.load(), factor), flags.out, flags.base);
  return kExitSuccess;
}

// Several adapters into one: each times its scale, over the sum of all scales for a mean.
int run_together(const Invocation& call, const std::string& description, bool mean) {
  CommandLine line(call, description);
  fs::path out;
  AdapterFlags inputs;
  BaseFlag base;
  OutputFlags output;
  std::optional<std::string> prompt_template;
  line.add("OUT", out, "PATH", "the file or folder to write").required();
  add_adapter_flags(line, inputs);
  output.add_to(line);
  line.add("--template", prompt_template, "NAME",
           "the prompt template of the result, where those of the adapters differ");
  base.add_to(line);
  if (!line.parse()) return kExitSuccess;
  const std::vector<AdapterSpec> specs = inputs.specs();
  if (specs.empty()) fail(ErrorKind::kInvalidArgument, "name the adapters with --lora and --lora-scaled");
  std::vector<fs::path> paths;
  paths.reserve(specs.size());
  for (const AdapterSpec& spec : specs) paths.push_back(spec.path);
  base.protect(paths, out);
  base.open();
  std::vector<adapter::LoraAdapter> loaded;
  for (const fs::path& path : paths) {
    loaded.push_back(base.load(path));
    if (prompt_template.has_value()) loaded.back().prompt_template = *prompt_template;
  }
  const float sum = std::accumulate(specs.begin(), specs.end(), 0.0F,
                                    [](float total, const AdapterSpec& spec) { return total + spec.scale; });
  if (mean && sum == 0.0F) fail(ErrorKind::kInvalidArgument, "the weights add up to 0, so there is no mean");
  std::vector<adapter::WeightedAdapter> weighted;
  weighted.reserve(specs.size());
  for (size_t i = 0; i < specs.size(); ++i) weighted.push_back({&loaded[i], specs[i].scale / (mean ? sum : 1.0F)});
  output.save(line, adapter::concatenated(weighted), out, base);
  return kExitSuccess;
}

int run_concatenation(const Invocation& call) {
  return run_together(call,
                      "Puts several adapters into one that acts as all of them together, exactly: the ranks of a layer "
                      "add up.",
                      false);
}

int run_average(const Invocation& call) {
  return run_together(call,
                      "Writes the mean of several adapters, weighted by their scales: that of what they add to the "
                      "weights, exactly. The ranks of a layer add up.",
                      true);
}

constexpr auto kActions = std::to_array<Command>({
    {"info", "print what an adapter holds", run_adapter_info},
    {"convert", "write it in another form: GGUF, PEFT, ggla", run_convert},
    {"merge", "put several adapters into one", run_concatenation},
    {"scale", "make it act more or less strongly", run_scale},
    {"average", "write the weighted mean of several", run_average},
});

}  // namespace

int run_adapter(const Invocation& call) {
  const bool asks_help = call.arguments.empty() || call.arguments[0] == "--help" || call.arguments[0] == "-h";
  if (asks_help) {
    fmt::print("Works on LoRA adapters.\n\nUsage: {} ACTION [FLAGS]\n\nActions:\n", call.program);
    for (const Command& action : kActions) fmt::print("  {:<12}{}\n", action.name, action.summary);
    fmt::print("\n`{} ACTION --help` explains the flags of an action.\n", call.program);
    return call.arguments.empty() ? exit_code(ErrorKind::kInvalidArgument) : kExitSuccess;
  }
  const std::string& word = call.arguments[0];
  const auto* action = std::ranges::find(kActions, word, &Command::name);
  if (action == kActions.end()) {
    std::vector<std::string> names;
    names.reserve(kActions.size());
    for (const Command& known : kActions) names.emplace_back(known.name);
    fail(ErrorKind::kInvalidArgument, "unknown action {}{} The actions are: {}", io::printable(word),
         suggestion(word, names), fmt::join(names, ", "));
  }
  return action->run({call.program + " " + word, {call.arguments.begin() + 1, call.arguments.end()}});
}

}  // namespace patina::apps
