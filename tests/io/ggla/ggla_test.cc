#include <cstring>

#include "io/ggla/format.h"
#include "io/ggla/parser.h"
#include "io/ggla/writer.h"
#include "io/test_files.h"

namespace patina::io {
namespace {

// Made by scripts/golden/legacy.py.
std::filesystem::path golden_file(const std::string& name) {
  return std::filesystem::path(PATINA_SOURCE_DIR) / "tests/golden/legacy" / name;
}

TEST(Ggla, ReadsNamesOfBothTimes) {
  const auto older = ModelFile::open(golden_file("adapter.bin"));
  const auto newer = ModelFile::open(golden_file("newer.bin"));
  EXPECT_EQ(older->form(), FileForm::kGgla);
  EXPECT_EQ(older->metadata().get_uint(ggla::kRankKey), 4U);
  EXPECT_EQ(older->metadata().get_float("adapter.lora.alpha"), 6.0);
  ASSERT_EQ(older->tensors().size(), 14U);
  ASSERT_EQ(newer->tensors().size(), 14U);
  for (size_t i = 0; i < older->tensors().size(); ++i) {
    EXPECT_EQ(older->tensors()[i].name, newer->tensors()[i].name);
    EXPECT_EQ(older->tensors()[i].shape, newer->tensors()[i].shape);
  }
  EXPECT_EQ(older->tensors()[10].name, "blk.0.ffn_down.weight.loraA");
  EXPECT_THAT(older->tensors()[10].shape, testing::ElementsAre(4, 96));
}

TEST(Ggla, WritesTheSameBytes) {
  const TemporaryFolder folder;
  const auto file = ModelFile::open(golden_file("newer.bin"));
  std::vector<TensorToWrite> tensors;
  for (const TensorInfo& t : file->tensors()) tensors.push_back({t.name, t.type, t.shape, t.data});
  write_ggla(folder / "out", 4, 6, tensors);
  EXPECT_EQ(read_bytes(folder / "out"), read_bytes(golden_file("newer.bin")));
  tensors[0].type = quant::DType::kBF16;
  expect_error([&] { write_ggla(folder / "other", 4, 6, tensors); }, ErrorKind::kInvalidArgument, "attn_q");
  EXPECT_FALSE(std::filesystem::exists(folder / "other"));
}

TEST(Ggla, RefusesHostileNumbers) {
  const Bytes good = read_bytes(golden_file("adapter.bin"));
  const auto refuse = [&](size_t offset, uint32_t value, ErrorKind kind, const std::string& part) {
    Bytes bad = good;
    std::memcpy(bad.data() + offset, &value, sizeof(value));
    expect_error([&] { parse_ggla(bad, "file"); }, kind, part);
  };
  constexpr ErrorKind kInvalid = ErrorKind::kInvalidData;
  refuse(0, 7, kInvalid, "no ggla file");
  refuse(4, 2, ErrorKind::kUnsupported, "version 2");
  refuse(8, 0, kInvalid, "rank is 0");
  refuse(16, 3, kInvalid, "at byte 28 there should be a tensor");
  refuse(16, 0, kInvalid, "there should be a tensor");
  refuse(20, 0x7FFFFFFF, kInvalid, "there should be a tensor");
  refuse(24, 8, ErrorKind::kUnsupported, "Q8_0");
  refuse(24, 99, ErrorKind::kUnsupported, "type 99");
  refuse(28, 0x7FFFFFFF, kInvalid, "beyond its end");
  refuse(28, 0, kInvalid, "not possible");
}

TEST(Ggla, IsNoModel) {
  expect_error([] { require_model(*ModelFile::open(golden_file("adapter.bin"))); }, ErrorKind::kInvalidArgument,
               "is an adapter, not a model");
}

TEST(Ggla, SurvivesTruncationAndChanges) {
  // What ends after a tensor is a file of fewer tensors; the first ends here.
  constexpr size_t kHeader = 16 + 12 + 8 + 36;
  expect_survives(read_bytes(golden_file("adapter.bin")), kHeader,
                  [](std::span<const std::byte> bytes) { return !parse_ggla(bytes, "file").tensors.empty(); });
}

}  // namespace
}  // namespace patina::io
