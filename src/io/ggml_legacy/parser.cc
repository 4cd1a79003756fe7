#include "io/ggml_legacy/parser.h"

#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "io/byte_reader.h"
#include "io/ggml_legacy/format.h"
#include "io/ggml_legacy/names.h"
#include "io/ggml_legacy/vocabulary.h"
#include "io/printable.h"
#include "io/tensor_layout.h"

namespace patina::io {

namespace {

using ggjt::Hyperparameters;

void check_version(ByteReader& reader) {
  if (reader.read<uint32_t>("the magic") != ggjt::kMagic) {
    fail(ErrorKind::kInvalidData, "{} is no GGJT file", reader.source());
  }
  const auto version = reader.read<uint32_t>("the version");
  if (version == ggjt::kVersion) return;
  fail(ErrorKind::kUnsupported,
       "{} is a GGJT file of version {}; of these only version {} (May to August 2023, \"ggmlv3\") is supported: "
       "convert "
       "the original model to GGUF, or download a GGUF file of it",
       reader.source(), version, ggjt::kVersion);
}

Hyperparameters read_hyperparameters(ByteReader& reader) {
  constexpr std::string_view kWhat = "the hyper-parameters";
  Hyperparameters h = {};
  for (uint32_t Hyperparameters::* member :
       {&Hyperparameters::vocab, &Hyperparameters::embedding, &Hyperparameters::multiple, &Hyperparameters::heads,
        &Hyperparameters::layers, &Hyperparameters::rope_dimensions, &Hyperparameters::file_type}) {
    h.*member = reader.read<uint32_t>(kWhat);
  }
  if (h.heads == 0 || h.embedding % h.heads != 0) {
    fail(ErrorKind::kInvalidData, "{} is corrupt: {} numbers cannot be shared out among {} heads", reader.source(),
         h.embedding, h.heads);
  }
  return h;
}

std::vector<ggjt::RawToken> read_vocabulary(ByteReader& reader, uint64_t count) {
  constexpr uint64_t kLeastBytes = sizeof(uint32_t) + sizeof(float);
  if (count > ggjt::kMaxTokens || count > reader.remaining() / kLeastBytes) {
    fail(ErrorKind::kInvalidData, "{} is truncated or corrupt: it announces {} tokens, more than it has room for",
         reader.source(), count);
  }
  std::vector<ggjt::RawToken> tokens;
  tokens.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    const auto size = reader.read<uint32_t>("the length of a token");
    std::string text = reader.take_string(size, "a token");
    tokens.push_back({std::move(text), reader.read<float>("a token's score")});
  }
  return tokens;
}

TensorInfo read_tensor(ByteReader& reader) {
  const auto dimensions = reader.read<uint32_t>("the number of dimensions");
  const auto name_bytes = reader.read<uint32_t>("the length of a tensor name");
  const auto type = reader.read<uint32_t>("a tensor type");
  if (dimensions > ggjt::kMaxDimensions || name_bytes > ggjt::kMaxNameBytes) {
    fail(ErrorKind::kInvalidData, "{} is corrupt: at byte {} there should be a tensor", reader.source(),
         reader.offset());
  }
  TensorInfo tensor;
  for (uint32_t i = 0; i < dimensions; ++i) tensor.shape.push_back(reader.read<uint32_t>("a dimension"));
  std::string name = reader.take_string(name_bytes, "a tensor name");
  if (type > ggjt::kLastType) {
    fail(ErrorKind::kUnsupported, "{}: tensor {} is of type {}, which GGJT does not have", reader.source(),
         printable(name), type);
  }
  tensor.type = require_dtype(type, name, reader.source());
  const uint64_t bytes = tensor_bytes(tensor.type, tensor.shape, name, reader.source());
  tensor.name = ggjt::to_gguf_name(name).value_or(name);
  reader.take(align_up(reader.offset(), ggjt::kAlignment) - reader.offset(), "padding");
  tensor.data = reader.take(bytes, "the data of a tensor");
  return tensor;
}

const TensorInfo* find_tensor(const std::vector<TensorInfo>& tensors, std::string_view name) {
  for (const TensorInfo& tensor : tensors) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

// Grouped heads came to GGJT without a field for them. The shape of the key matrix tells.
uint64_t key_value_heads(const Hyperparameters& h, const std::vector<TensorInfo>& tensors) {
  const TensorInfo* keys = find_tensor(tensors, "blk.0.attn_k.weight");
  const uint64_t head_length = h.embedding / h.heads;
  if (keys == nullptr || head_length == 0) return h.heads;
  return static_cast<uint64_t>(keys->rows()) / head_length;
}

// By the formula of the time; the 70B had another factor, again without a field, so that the matrix comes first.
uint64_t feed_forward_length(const Hyperparameters& h, const std::vector<TensorInfo>& tensors) {
  const TensorInfo* gate = find_tensor(tensors, "blk.0.ffn_gate.weight");
  return gate != nullptr ? static_cast<uint64_t>(gate->rows()) : ggjt::feed_forward_length(h.embedding, h.multiple);
}

void check_hints(const LegacyHints& hints, const Hyperparameters& h, std::string_view source) {
  const uint64_t heads = hints.head_count_kv.value_or(h.heads);
  if (heads == 0 || h.heads % heads != 0) {
    fail(ErrorKind::kInvalidArgument, "{}: {} heads cannot share {} key-value heads; choose a divisor", source, h.heads,
         heads);
  }
  if (!(hints.rms_norm_eps.value_or(1) > 0) || !(hints.rope_freq_base.value_or(1) > 0) ||
      hints.context_length.value_or(1) == 0) {
    fail(ErrorKind::kInvalidArgument,
         "{}: the norm epsilon, the rope frequency base and the context length must be above zero", source);
  }
}

Metadata describe(const Hyperparameters& h, const std::vector<TensorInfo>& tensors, const LegacyHints& hints) {
  const auto number = [](uint64_t value) { return MetaValue(value); };
  Metadata metadata;
  metadata.set("general.architecture", "llama");
  metadata.set("general.file_type", number(h.file_type));
  metadata.set("general.quantization_version", number(2));  // blocks with f16 scales, as GGUF's
  metadata.set("llama.vocab_size", number(h.vocab));
  metadata.set("llama.context_length", number(hints.context_length.value_or(ggjt::kDefaultContextLength)));
  metadata.set("llama.embedding_length", number(h.embedding));
  metadata.set("llama.block_count", number(h.layers));
  metadata.set("llama.feed_forward_length", number(feed_forward_length(h, tensors)));
  metadata.set("llama.attention.head_count", number(h.heads));
  metadata.set("llama.attention.head_count_kv", number(hints.head_count_kv.value_or(key_value_heads(h, tensors))));
  metadata.set("llama.attention.layer_norm_rms_epsilon", hints.rms_norm_eps.value_or(ggjt::kDefaultRmsNormEps));
  metadata.set("llama.rope.dimension_count", number(h.rope_dimensions));
  metadata.set("llama.rope.freq_base", hints.rope_freq_base.value_or(ggjt::kDefaultRopeFreqBase));
  return metadata;
}

}  // namespace

ParsedFile parse_ggjt(std::span<const std::byte> bytes, std::string_view source, const LegacyHints& hints) {
  ByteReader reader(bytes, source);
  check_version(reader);
  const Hyperparameters h = read_hyperparameters(reader);
  check_hints(hints, h, source);
  std::vector<ggjt::RawToken> tokens = read_vocabulary(reader, h.vocab);
  std::vector<TensorInfo> tensors;
  while (reader.remaining() > 0) tensors.push_back(read_tensor(reader));
  check_distinct(tensors, source);
  Metadata metadata = describe(h, tensors, hints);
  ggjt::add_vocabulary(metadata, std::move(tokens));
  return {std::move(metadata), std::move(tensors)};
}

}  // namespace patina::io
