#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include "adapter/lora_adapter.h"
#include "adapter/weight_change.h"
#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/flags_model.h"
#include "apps/model_writing.h"
#include "base/error.h"
#include "convert/quantize_file.h"
#include "io/model_file.h"
#include "kernels/dispatch.h"
#include "model/fingerprint.h"
#include "model/hyperparameters.h"
#include "platform/cores.h"
#include "threading/thread_pool.h"

namespace patina::apps {

namespace {

namespace fs = std::filesystem;

struct Flags {
  fs::path base;
  fs::path adapter;
  fs::path out;
  std::optional<std::string> type;
  float scale = 1.0F;
  int threads = 0;
  io::LegacyHints hints;
};

adapter::LoraAdapter load(const Flags& flags, const io::ModelFile& base, const LogSink& sink) {
  adapter::LoraAdapter adapter =
      adapter::load_lora(flags.adapter, model::base_model(model::read_hyperparameters(base)));
  if (adapter.base_fingerprint != 0 && adapter.base_fingerprint != model::fingerprint(base)) {
    log(sink, LogLevel::kWarning,
        fmt::format("{} was trained on another model than {}", flags.adapter.string(), flags.base.string()));
  }
  return adapter;
}

// What becomes a tensor of its own: embeddings that are the output too, where the adapter changes only how tokens are
// looked up in them.
std::vector<io::TensorInfo> added_tensors(const io::ModelFile& base, const adapter::WeightChange& change) {
  const io::TensorInfo* embedding = base.find(std::string(adapter::kEmbeddingName).append(".weight"));
  const std::string output = std::string(adapter::kOutputName).append(".weight");
  if (embedding == nullptr || !change.changes(*embedding) || base.find(output) != nullptr) return {};
  io::TensorInfo added = *embedding;
  added.name = output;
  return {added};
}

}  // namespace

int run_merge(const Invocation& call) {
  CommandLine line(
      call,
      "Writes a model with an adapter's corrections added to its weights, as GGUF. Without --type every tensor "
      "keeps its type: quantized weights that change are quantized anew.");
  Flags flags;
  line.add("BASE", flags.base, "FILE", "the model, GGUF or GGJT v3 (.bin)").required();
  line.add("ADAPTER", flags.adapter, "PATH", "a GGUF or ggla adapter, or a PEFT folder").required();
  line.add("OUT", flags.out, "FILE", "the file to write, another than these").required();
  line.add("--type", flags.type, "NAME", fmt::format("one of\n{}", fmt::join(file_type_names(), ", ")));
  line.add("--scale", flags.scale, "X", "how strongly the adapter acts");
  line.add("-t,--threads", flags.threads, "N", kThreadsHelp);
  add_legacy_flags(line, flags.hints);
  if (!line.parse()) return kExitSuccess;

  std::optional<convert::FileType> type;
  if (flags.type.has_value()) type = require_file_type(*flags.type);
  std::error_code ignored;
  if (fs::equivalent(flags.adapter, flags.out, ignored)) {
    fail(ErrorKind::kInvalidArgument, "{} is the adapter; name another file for the output", flags.out.string());
  }
  const auto base = io::ModelFile::open(flags.base, flags.hints);
  io::require_model(*base);
  const adapter::LoraAdapter adapter = load(flags, *base, line.log());
  const adapter::WeightChange change(adapter, flags.adapter.string(), flags.scale, *base, kernels::default_kernels());
  const auto changes = [&](const io::TensorInfo& tensor) { return change.changes(tensor); };
  const auto apply = [&](const io::TensorInfo& tensor, int64_t first, std::span<float> rows) {
    change.apply(tensor, first, rows);
  };
  ThreadPool pool(platform::threads_to_use(flags.threads));
  const WritingProgress progress(flags.out, line.log());
  convert::WeightEdit edit{.changes = changes, .apply = apply, .added = added_tensors(*base, change)};
  if (!adapter.prompt_template.empty()) {
    edit.metadata.emplace_back(adapter::kPromptTemplateKey, adapter.prompt_template);
  }
  progress.finish(convert::edit_model(*base, flags.out, type, edit, pool, progress));
  return kExitSuccess;
}

}  // namespace patina::apps
