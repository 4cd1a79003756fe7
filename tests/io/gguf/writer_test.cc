#include "io/gguf/writer.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "io/gguf/parser.h"
#include "io/test_files.h"

namespace patina::io {
namespace {

std::vector<TensorToWrite> to_write(std::span<const TensorInfo> tensors) {
  std::vector<TensorToWrite> result;
  for (const TensorInfo& tensor : tensors) result.push_back({tensor.name, tensor.type, tensor.shape, tensor.data});
  return result;
}

// What the gguf package wrote, read and written again, is the same file.
TEST(GgufWriter, CopiesAreEqualByteForByte) {
  const TemporaryFolder folder;
  for (const char* name : {"typed.gguf", "tiny.gguf"}) {
    const Bytes original = read_bytes(golden(name));
    const ParsedFile file = parse_gguf(original, name);
    write_gguf(folder / name, file.metadata, to_write(file.tensors));
    EXPECT_EQ(read_bytes(folder / name), original) << name;
  }
}

TEST(GgufWriter, StoresNumbersInTheNarrowestPromisedType) {
  Metadata metadata;
  metadata.set("a", uint64_t{1});
  metadata.set("b", int64_t{-1});
  metadata.set("c", uint64_t{1} << 40);
  metadata.set("d", -(int64_t{1} << 40));
  metadata.set("e", 0.5);
  metadata.set("f", MetaArray(std::vector<int64_t>{1, int64_t{1} << 40}));
  metadata.set("g", MetaArray(std::vector<std::string>{}));
  metadata.set("h", uint64_t{3}, MetaType::kU16);
  const TemporaryFolder folder;
  write_gguf(folder / "out.gguf", metadata, {});
  const Bytes bytes = read_bytes(folder / "out.gguf");
  const Metadata copy = parse_gguf(bytes, "out").metadata;
  std::vector<MetaType> types;
  for (const MetaEntry& entry : copy.entries()) types.push_back(entry.type);
  using enum MetaType;
  EXPECT_THAT(types, testing::ElementsAre(kU32, kI32, kU64, kI64, kF32, kI64, kString, kU16));
}

TEST(GgufWriter, ObeysAlignmentAndWritesInPieces) {
  Metadata metadata;
  metadata.set("general.alignment", uint64_t{64});
  const std::vector<TensorToCome> tensors = {{"a", quant::DType::kF32, {3}}, {"b", quant::DType::kF32, {2, 2}}};
  const TemporaryFolder folder;
  const std::vector<float> values = {1, 2, 3, 4, 5, 6, 7};
  const auto raw = std::as_bytes(std::span(values));
  GgufWriter writer(folder / "out.gguf", metadata, tensors);
  writer.append(raw.subspan(0, 5));
  writer.append(raw.subspan(5, 7));
  writer.append(raw.subspan(12));
  EXPECT_FALSE(std::filesystem::exists(folder / "out.gguf"));
  writer.finish();
  const Bytes bytes = read_bytes(folder / "out.gguf");
  const ParsedFile file = parse_gguf(bytes, "out");
  EXPECT_EQ((file.tensors[1].data.data() - bytes.data()) % 64, 0);
  EXPECT_TRUE(std::ranges::equal(file.tensors[0].data, raw.first(12)));
  EXPECT_TRUE(std::ranges::equal(file.tensors[1].data, raw.subspan(12)));
}

TEST(GgufWriter, RefusesWrongCalls) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "out.gguf";
  const std::vector<TensorToCome> one = {{"a", quant::DType::kF32, {2}}};
  const std::vector<TensorToCome> twice = {one[0], one[0]};
  const Bytes nine(9);
  constexpr ErrorKind kKind = ErrorKind::kInvalidArgument;
  expect_error([&] { GgufWriter(path, {}, twice); }, kKind, "twice");
  expect_error([&] { GgufWriter(path, {}, one).append(nine); }, kKind, "more data");
  expect_error([&] { GgufWriter(path, {}, one).finish(); }, kKind, "incomplete");
  expect_error([&] { write_gguf(path, {}, std::vector<TensorToWrite>{{"a", quant::DType::kF32, {2}, nine}}); }, kKind,
               "9 bytes");
  expect_error([&] { write_gguf(path, {}, std::vector<TensorToWrite>{{"a", quant::DType::kQ4_0, {33}, nine}}); }, kKind,
               "multiple");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// The limit on the size of a file stands in for a disk that fills.
TEST(GgufWriter, LeavesTheOldFileWhenTheDiskIsFull) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "out.gguf";
  const Bytes old(10, std::byte{7});
  write_bytes(path, old);
  const Bytes data(size_t{4} << 20);
  const std::vector<TensorToWrite> tensors = {{"a", quant::DType::kF32, {1 << 20}, data}};
  rlimit before = {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {size_t{2} << 20, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const Error error = error_of([&] { write_gguf(path, {}, tensors); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(error.kind(), ErrorKind::kIo);
  EXPECT_EQ(read_bytes(path), old);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

}  // namespace
}  // namespace patina::io
