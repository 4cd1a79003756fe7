#include "engine/runtime.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "base/error.h"
#include "model/vocab_from_file.h"
#include "ops/sketch.h"
#include "platform/cores.h"
#include "platform/memory.h"

namespace patina::engine {

namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

// Up to so many wanted, a sketch finds the largest logits faster than they are computed.
constexpr int64_t kMostSought = 256;

std::shared_ptr<const io::ModelFile> open_model_file(const RuntimeOptions& options) {
  std::shared_ptr<const io::ModelFile> file = io::ModelFile::open(options.model, options.hints);
  io::require_model(*file);
  return file;
}

int64_t context_of(const RuntimeOptions& options, int64_t model_context, const LogSink& sink) {
  if (options.context < 0) {
    fail(ErrorKind::kInvalidArgument, "a context of {} tokens makes no sense; give 1 or more, or 0 for the default",
         options.context);
  }
  if (options.context > kMostContext) {
    fail(ErrorKind::kInvalidArgument, "a context of {} tokens is too long; give {} at most", options.context,
         kMostContext);
  }
  if (options.context > model_context) {
    log(sink, LogLevel::kWarning,
        fmt::format(
            "the context of {} tokens is longer than the {} the model was made for; what lies beyond may be worse",
            options.context, model_context));
  }
  return options.context > 0 ? options.context : std::min(model_context, kDefaultContext);
}

// Empty where there is too little memory, or turns out to be.
std::optional<ops::Sketch> sketch_where_memory_allows(ThreadPool& pool, const kernels::Kernels& kernels,
                                                      const ops::PackedMatrix& matrix) {
  const uint64_t available = platform::available_memory();
  const auto needed = static_cast<uint64_t>(ops::Sketch::bytes(matrix));
  if (available != 0 && available <= 2 * needed) return std::nullopt;
  try {
    return ops::Sketch(pool, kernels, matrix);
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kOutOfMemory) throw;
    return std::nullopt;
  }
}

}  // namespace

// A sketch of the output matrix, made when it is used for the first time, so that a first token does not wait for it.
struct Runtime::Shortcut {
  std::once_flag once;
  std::optional<ops::Sketch> sketch;  // empty: not made yet, or there was no memory for it

  const std::optional<ops::Sketch>& made(ThreadPool& pool, const kernels::Kernels& kernels,
                                         const ops::PackedMatrix& matrix) {
    std::call_once(once, [&] { sketch = sketch_where_memory_allows(pool, kernels, matrix); });
    return sketch;
  }
};

Runtime::Runtime() = default;
Runtime::~Runtime() = default;

std::unique_ptr<Runtime> Runtime::open(const RuntimeOptions& options, const LogSink& log) {
  std::unique_ptr<Runtime> runtime(new Runtime());  // NOLINT(cppcoreguidelines-owning-memory): private constructor
  runtime->load_model(options, log);
  runtime->load_adapters(options, log);
  runtime->set_rules(options, log);
  runtime->load_draft(options, log);
  return runtime;
}

ops::Context Runtime::make_context(tensor::BufferPool& buffers) const {
  return {.pool = *pool_, .kernels = *kernels_, .buffers = buffers, .precise = precise_};
}

// Whether the largest logits may be sought in place of computing all.
bool Runtime::seeks(int64_t rows, const adapter::Attachment& adapters) const {
  return shortcut_ && rows <= ops::kFewRows && model_->output(adapters).adapters.empty();
}

ops::Tensor Runtime::logits(ops::Context& context, const ops::Tensor& hidden, std::span<const int64_t> decisive,
                            const adapter::Attachment& adapters) const {
  const auto few = [](int64_t count) { return count > 0 && count <= kMostSought; };
  const bool packed = model_->output_matrix().data() != nullptr;
  if (packed && seeks(hidden.rows(), adapters) && std::ranges::all_of(decisive, few)) {
    const std::optional<ops::Sketch>& sketch = shortcut_->made(*pool_, *kernels_, model_->output_matrix());
    std::vector<int64_t> wanted(decisive.begin(), decisive.end());
    for (int64_t& count : wanted) count += model_->hyper().vocab_size - tokenizer_->size();  // rows that are no tokens
    if (sketch) return sketch->largest(context, hidden, wanted);
  }
  return model_->logits(context, hidden, adapters);
}

int64_t Runtime::read_bytes(int64_t rows) const {
  const ops::PackedMatrix& output = model_->output_matrix();
  return model_->weight_bytes() + (seeks(rows, attachment_) ? ops::Sketch::bytes(output) - output.bytes() : 0);
}

void Runtime::load_model(const RuntimeOptions& options, const LogSink& sink) {
  kernels_ = &kernels::default_kernels();
  if (pool_ == nullptr) {
    pool_ = std::make_shared<ThreadPool>(options.threads <= 0 ? platform::default_threads() : options.threads);
  }
  precise_ = options.precise;
  cache_types_ = options.cache_types;
  speculation_ = options.speculation;
  speculation_.most = std::min(speculation_.most, kMostGuesses);
  const std::shared_ptr<const io::ModelFile> file = open_model_file(options);
  tokenizer_ = tokenizer::Tokenizer::create(model::vocab_from_file(*file));
  model_ = model::Model::load(file, *pool_, options.packing);
  if (options.sketch && !precise_ && ops::Sketch::pays(model_->output_matrix(), model_->weight_bytes())) {
    shortcut_ = std::make_unique<Shortcut>();
  }
  const model::Hyperparameters& hyper = model_->hyper();
  if (tokenizer_->size() > hyper.vocab_size) {
    fail(ErrorKind::kInvalidData, "{} is corrupt: its vocabulary has {} tokens, its embeddings {}",
         options.model.string(), tokenizer_->size(), hyper.vocab_size);
  }
  context_length_ = context_of(options, hyper.context_length, sink);
  model_name_ = file->metadata().get_string("general.name", "");
  if (model_name_.empty()) model_name_ = options.model.stem().string();
  const auto controls_terminals = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  std::ranges::replace_if(model_name_, controls_terminals, '?');
  log(sink, LogLevel::kInfo,
      fmt::format("model: {} ({}, {} layers, {} MiB of weights)", model_name_, hyper.architecture, hyper.layers,
                  model_->weight_bytes() / kMiB));
  log(sink, LogLevel::kInfo,
      fmt::format("threads: {}, instruction set: {}, context: {} tokens", pool_->size(), kernels_->name,
                  context_length_));
}

void Runtime::load_draft(const RuntimeOptions& options, const LogSink& sink) {
  const SpeculationOptions& speculation = options.speculation;
  if (!speculation.enabled || speculation.draft_model.empty()) return;
  std::unique_ptr<Runtime> draft(new Runtime());  // NOLINT(cppcoreguidelines-owning-memory): private constructor
  draft->pool_ = pool_;
  RuntimeOptions draft_options;
  draft_options.model = speculation.draft_model;
  draft_options.hints = options.hints;
  draft_options.context = context_length_;
  draft_options.precise = precise_;
  draft->load_model(draft_options, {});
  if (draft->tokenizer().vocab().tokens != tokenizer_->vocab().tokens) {
    fail(
        ErrorKind::kInvalidArgument,
        "the draft model {} has another vocabulary than {}, so it cannot guess its tokens; give a smaller model of the "
        "same family, or leave out --model-draft",
        speculation.draft_model.string(), options.model.string());
  }
  draft_ = std::move(draft);
  log(sink, LogLevel::kInfo,
      fmt::format("draft model: {} ({} MiB of weights)", draft_->model_name(), draft_->model().weight_bytes() / kMiB));
}

void Runtime::load_adapters(const RuntimeOptions& options, const LogSink& sink) {
  if (options.adapters.empty()) return;
  attachment_ = adapter::Attachment(model_->sites().size());
  const model::Hyperparameters& hyper = model_->hyper();
  adapter::AttachmentTarget target{model_->sites(), hyper.architecture, model_->fingerprint()};
  std::unique_ptr<const io::ModelFile> file;
  std::optional<adapter::BaseWeights> weights;
  const adapter::BaseModel base = model::base_model(hyper);
  for (const AdapterChoice& choice : options.adapters) {
    const adapter::LoraAdapter& adapter = adapters_.emplace_back(adapter::load_lora(choice.path, base));
    if (adapter.has_magnitudes() && file == nullptr) {
      file = io::ModelFile::open(options.model, options.hints);
      target.weights = &weights.emplace(*file, *pool_, *kernels_);
    }
    adapter::attach_lora(adapter, choice.path.string(), choice.scale, target, attachment_, sink);
    log(sink, LogLevel::kInfo,
        fmt::format("adapter: {} ({} matrices, {} parameters, scale {})", choice.path.string(), adapter.entries.size(),
                    adapter.parameters(), choice.scale));
  }
}

void Runtime::set_rules(const RuntimeOptions& options, const LogSink& sink) {
  PromptRuleSources sources;
  sources.template_choice = options.prompt_template;
  std::string_view source = "that --template chose";
  if (options.prompt_template.empty()) {
    source = "of the adapter";
    sources.adapter_template = adapter::shared_prompt_template(adapters_);
    if (sources.adapter_template.empty()) {
      source = "that the model's file names";
      sources.adapter_template = model_->file().metadata().get_string(adapter::kPromptTemplateKey, "");
    }
  }
  sources.chat_choice = options.chat_template;
  sources.jinja = tokenizer_->vocab().chat_template;
  rules_ = resolve_prompt_rules(sources);
  if (rules_.question && !options.raw) {
    log(sink, LogLevel::kInfo,
        fmt::format("prompts are wrapped in the {} template {}; --raw turns it off",
                    tokenizer::chat_format_name(*rules_.question), source));
  }
  log(sink, LogLevel::kInfo, fmt::format("chat template: {}", tokenizer::chat_format_name(rules_.chat)));
}

}  // namespace patina::engine
