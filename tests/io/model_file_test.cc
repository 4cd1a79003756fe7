#include "io/model_file.h"

#include "io/test_files.h"

namespace patina::io {
namespace {

namespace fs = std::filesystem;

void expect_same_tensors(const ModelFile& a, const ModelFile& b) {
  ASSERT_EQ(a.tensors().size(), b.tensors().size());
  for (const TensorInfo& tensor : a.tensors()) {
    const TensorInfo& other = b.require(tensor.name);
    EXPECT_EQ(tensor.type, other.type) << tensor.name;
    EXPECT_EQ(tensor.shape, other.shape) << tensor.name;
    EXPECT_TRUE(std::ranges::equal(tensor.data, other.data)) << tensor.name;
  }
}

TEST(ModelFile, OpensEveryPartOfASplitFileWhicheverIsNamed) {
  const auto whole = ModelFile::open(golden("tiny.gguf"));
  for (const char* name : {"split-00001-of-00003.gguf", "split-00002-of-00003.gguf", "split-00003-of-00003.gguf"}) {
    const auto split = ModelFile::open(golden(name));
    expect_same_tensors(*whole, *split);
    EXPECT_EQ(split->path(), golden("split-00001-of-00003.gguf"));
    EXPECT_FALSE(split->metadata().has("split.count"));
    EXPECT_EQ(split->metadata().get_uint("llama.embedding_length"), 32);
    EXPECT_GT(split->total_bytes(), whole->total_bytes());
  }
}

TEST(ModelFile, NamesTheMissingOrWrongPart) {
  const TemporaryFolder folder;
  const std::string names[] = {"m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"};
  fs::copy(golden("split-00001-of-00003.gguf"), folder / names[0]);
  fs::copy(golden("split-00003-of-00003.gguf"), folder / names[2]);
  expect_error([&] { ModelFile::open(folder / names[2]); }, ErrorKind::kNotFound, names[1] + " is missing");
  fs::copy(golden("split-00003-of-00003.gguf"), folder / names[1]);
  expect_error([&] { ModelFile::open(folder / names[0]); }, ErrorKind::kInvalidData, "is not part 2");
  fs::copy(golden("split-00001-of-00003.gguf"), folder / "renamed.gguf");
  expect_error([&] { ModelFile::open(folder / "renamed.gguf"); }, ErrorKind::kInvalidData, "-00001-of-00003.gguf");
}

TEST(ModelFile, RefusesWhatIsNoModelWithASentence) {
  const TemporaryFolder folder;
  struct Case {
    std::string head;
    ErrorKind kind;
    std::string part;
  };
  const Case cases[] = {
      {"", ErrorKind::kInvalidData, "is empty"},
      {"G", ErrorKind::kInvalidData, "no model file"},
      {"lmgg", ErrorKind::kUnsupported, "unversioned ggml"},
      {"fmgg\x01", ErrorKind::kUnsupported, "ggmf"},
      {std::string("tjgg\x01\0\0\0", 8), ErrorKind::kUnsupported, "version 1"},
      {std::string("tjgg\x02\0\0\0", 8), ErrorKind::kUnsupported, "version 2"},
      {"PK\x03\x04", ErrorKind::kUnsupported, "zip"},
      {"version https://git-lfs.github.com/spec/v1", ErrorKind::kInvalidData, "git lfs pull"},
      {"<!DOCTYPE html>", ErrorKind::kInvalidData, "web page"},
  };
  for (const Case& c : cases) {
    const fs::path path = folder / "model.bin";
    write_bytes(path, std::as_bytes(std::span(c.head)));
    expect_error([&] { ModelFile::open(path); }, c.kind, c.part);
    EXPECT_THAT(error_of([&] { ModelFile::open(path); }).what(), testing::HasSubstr(path.string()));
  }
  expect_error([&] { ModelFile::open(golden("big_endian.gguf")); }, ErrorKind::kUnsupported, "big-endian");
  expect_error([&] { ModelFile::open(folder / "none"); }, ErrorKind::kNotFound, "none");
  expect_error([&] { ModelFile::open(folder.path()); }, ErrorKind::kIo, "directory");
}

TEST(ModelFile, ReleasedPagesAreReadAgain) {
  const auto model = ModelFile::open(golden("tiny.gguf"));
  const TensorInfo& tensor = model->require("token_embd.weight");
  const Bytes before(tensor.data.begin(), tensor.data.end());
  model->release_pages(tensor.data);
  EXPECT_TRUE(std::ranges::equal(before, tensor.data));
  EXPECT_EQ(model->find("nothing"), nullptr);
  expect_error([&] { model->require("nothing"); }, ErrorKind::kInvalidData, "lacks the tensor nothing");
}

}  // namespace
}  // namespace patina::io
