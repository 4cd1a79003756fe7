#include <cstring>

#include "io/ggml_legacy/parser.h"
#include "io/ggml_legacy/writer.h"
#include "io/test_files.h"

namespace patina::io {
namespace {

// tiny.bin and tiny.gguf hold the same model, each written by other programs' rules.
TEST(Ggjt, ReadsTheSameModelAsGguf) {
  const auto gguf = ModelFile::open(golden("tiny.gguf"));
  const auto ggjt = ModelFile::open(golden("tiny.bin"));
  EXPECT_EQ(ggjt->form(), FileForm::kGgjt);
  ASSERT_EQ(ggjt->tensors().size(), gguf->tensors().size());
  for (const TensorInfo& tensor : gguf->tensors()) {
    const TensorInfo& other = ggjt->require(tensor.name);
    EXPECT_EQ(tensor.type, other.type) << tensor.name;
    EXPECT_EQ(tensor.shape, other.shape) << tensor.name;
    EXPECT_TRUE(std::ranges::equal(tensor.data, other.data)) << tensor.name;
  }
  const Metadata& a = gguf->metadata();
  const Metadata& b = ggjt->metadata();
  for (const char* key :
       {"llama.embedding_length", "llama.block_count", "llama.feed_forward_length", "llama.attention.head_count",
        "llama.attention.head_count_kv", "llama.rope.dimension_count", "llama.context_length", "general.file_type",
        "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id"}) {
    EXPECT_EQ(a.get_uint(key), b.get_uint(key)) << key;
  }
  EXPECT_EQ(a.get_string("tokenizer.ggml.model"), b.get_string("tokenizer.ggml.model"));
  EXPECT_EQ(*a.find_strings("tokenizer.ggml.tokens"), *b.find_strings("tokenizer.ggml.tokens"));
  EXPECT_EQ(a.get_floats("tokenizer.ggml.scores"), b.get_floats("tokenizer.ggml.scores"));
  EXPECT_EQ(a.get_ints("tokenizer.ggml.token_type"), b.get_ints("tokenizer.ggml.token_type"));
}

TEST(Ggjt, TakesDefaultsOfItsTimeAndHints) {
  const Bytes bytes = read_bytes(golden("tiny.bin"));
  const Metadata standard = parse_ggjt(bytes, "file").metadata;
  EXPECT_EQ(standard.get_float("llama.attention.layer_norm_rms_epsilon"), 5e-6);
  EXPECT_EQ(standard.get_float("llama.rope.freq_base"), 10000.0);
  EXPECT_EQ(standard.get_uint("llama.context_length"), 2048);
  const LegacyHints hints = {1e-5, 4096, 1, 1e6};
  const Metadata hinted = parse_ggjt(bytes, "file", hints).metadata;
  EXPECT_EQ(hinted.get_float("llama.attention.layer_norm_rms_epsilon"), 1e-5);
  EXPECT_EQ(hinted.get_float("llama.rope.freq_base"), 1e6);
  EXPECT_EQ(hinted.get_uint("llama.context_length"), 4096);
  EXPECT_EQ(hinted.get_uint("llama.attention.head_count_kv"), 1);
  LegacyHints wrong;
  wrong.head_count_kv = 3;
  expect_error([&] { parse_ggjt(bytes, "file", wrong); }, ErrorKind::kInvalidArgument, "divisor");
  wrong = {};
  wrong.rms_norm_eps = 0;
  expect_error([&] { parse_ggjt(bytes, "file", wrong); }, ErrorKind::kInvalidArgument, "epsilon");
}

TEST(Ggjt, WritesWhatConvertPyWouldHaveWritten) {
  const TemporaryFolder folder;
  const auto model = ModelFile::open(golden("tiny.gguf"));
  const LegacyHints hints = write_ggjt(folder / "out.bin", *model);
  EXPECT_EQ(read_bytes(folder / "out.bin"), read_bytes(golden("tiny.bin")));
  EXPECT_EQ(static_cast<float>(hints.rms_norm_eps.value_or(0)), 1e-5F);
  EXPECT_FALSE(hints.context_length.has_value());
  EXPECT_FALSE(hints.rope_freq_base.has_value());
}

// Writes tiny.gguf with a change, and gives what write_ggjt says to it.
void expect_refused(const std::string& key, const MetaValue& value, const std::string& part) {
  const TemporaryFolder folder;
  const auto model = ModelFile::open(golden("tiny.gguf"));
  Metadata metadata = model->metadata();
  metadata.set(key, value);
  std::vector<TensorToWrite> tensors;
  for (const TensorInfo& t : model->tensors()) tensors.push_back({t.name, t.type, t.shape, t.data});
  write_gguf(folder / "changed.gguf", metadata, tensors);
  const auto changed = ModelFile::open(folder / "changed.gguf");
  expect_error([&] { write_ggjt(folder / "out.bin", *changed); }, ErrorKind::kUnsupported, part);
  EXPECT_FALSE(std::filesystem::exists(folder / "out.bin"));
}

TEST(Ggjt, RefusesToWriteWhatItCannotExpress) {
  expect_refused("general.architecture", "qwen2", "qwen2");
  expect_refused("llama.attention.head_count_kv", uint64_t{1}, "grouped");
  expect_refused("llama.feed_forward_length", uint64_t{80}, "feed-forward length 80");
  expect_refused("tokenizer.ggml.model", "gpt2", "SentencePiece");
  expect_refused("tokenizer.ggml.bos_token_id", uint64_t{2}, "SentencePiece");
  expect_refused("llama.attention.key_length", uint64_t{64}, "key_length");
}

void put(Bytes& bytes, size_t offset, uint32_t value) { std::memcpy(bytes.data() + offset, &value, sizeof(value)); }

TEST(Ggjt, RefusesHostileNumbers) {
  const Bytes good = read_bytes(golden("tiny.bin"));
  const auto with = [&](size_t offset, uint32_t value) {
    Bytes bad = good;
    put(bad, offset, value);
    return bad;
  };
  constexpr ErrorKind kInvalid = ErrorKind::kInvalidData;
  const auto parse = [](const Bytes& bytes) { return [&bytes] { parse_ggjt(bytes, "file"); }; };
  const Bytes tokens = with(8, 0xFFFFFFFFU);
  const Bytes heads = with(20, 0);
  const Bytes text = with(36, 0xFFFFFFF0U);
  expect_error(parse(tokens), kInvalid, "tokens, more than it has room for");
  expect_error(parse(heads), kInvalid, "heads");
  expect_error(parse(text), kInvalid, "beyond its end");
  const ParsedFile file = parse_ggjt(good, "file");
  const auto first = static_cast<size_t>(file.tensors[0].data.data() - good.data());
  constexpr size_t kHead = 5 * 4 + sizeof("tok_embeddings.weight") - 1;
  size_t header = first - kHead;
  while (good[header] != std::byte{2}) --header;  // the number of dimensions, before the padding
  const Bytes type = with(header + 8, 30);
  const Bytes wide = with(header + 12, 0xFFFFFFE0U);
  expect_error(parse(type), ErrorKind::kUnsupported, "type 30");
  expect_error(parse(wide), kInvalid, "beyond its end");
}

TEST(Ggjt, SurvivesTruncationAndChanges) {
  const Bytes good = read_bytes(golden("tiny.bin"));
  const ParsedFile file = parse_ggjt(good, "file");
  const auto first = static_cast<size_t>(file.tensors[0].data.data() - good.data());
  // What ends right after the vocabulary is a vocabulary-only file.
  expect_survives(good, first,
                  [](std::span<const std::byte> bytes) { return !parse_ggjt(bytes, "file").tensors.empty(); });
}

}  // namespace
}  // namespace patina::io
