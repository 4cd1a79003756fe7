#include "io/gguf/parser.h"

#include <cstring>

#include "base/half.h"
#include "io/test_files.h"

namespace patina::io {
namespace {

using testing::ElementsAre;

// Builds a GGUF file field by field, lies included.
class Builder {
 public:
  Builder(uint32_t version, uint64_t tensors, uint64_t entries) {
    add(uint32_t{0x46554747}).add(version).add(tensors).add(entries);
  }
  template <typename T>
  Builder& add(T value) {
    const auto raw = std::as_bytes(std::span(&value, 1));
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
    return *this;
  }
  Builder& text(std::string_view value) {
    add(uint64_t{value.size()});
    const auto raw = std::as_bytes(std::span(value));
    bytes_.insert(bytes_.end(), raw.begin(), raw.end());
    return *this;
  }
  Builder& tensor(std::string_view name, const std::vector<uint64_t>& shape, uint32_t type, uint64_t offset) {
    text(name).add(static_cast<uint32_t>(shape.size()));
    for (const uint64_t dimension : shape) add(dimension);
    return add(type).add(offset);
  }
  Builder& data(size_t size) {
    bytes_.resize((bytes_.size() + 31) / 32 * 32 + size);
    return *this;
  }
  void expect(ErrorKind kind, const std::string& part) const {
    expect_error([this] { parse_gguf(bytes_, "file"); }, kind, part);
  }
  ParsedFile parse() const { return parse_gguf(bytes_, "file"); }

 private:
  Bytes bytes_;
};

template <typename T>
T scalar(const Metadata& metadata, const char* key, MetaType type) {
  for (const MetaEntry& entry : metadata.entries()) {
    if (entry.key != key) continue;
    EXPECT_EQ(entry.type, type) << key;
    return std::get<T>(entry.value);
  }
  ADD_FAILURE() << key;
  return {};
}

TEST(GgufParser, ReadsEveryTypeOfMetadata) {
  const Bytes bytes = read_bytes(golden("typed.gguf"));
  const Metadata m = parse_gguf(bytes, "typed").metadata;
  EXPECT_EQ(scalar<uint64_t>(m, "t.u8", MetaType::kU8), 200);
  EXPECT_EQ(scalar<int64_t>(m, "t.i8", MetaType::kI8), -100);
  EXPECT_EQ(scalar<uint64_t>(m, "t.u16", MetaType::kU16), 60000);
  EXPECT_EQ(scalar<int64_t>(m, "t.i16", MetaType::kI16), -30000);
  EXPECT_EQ(scalar<uint64_t>(m, "t.u32", MetaType::kU32), 4000000000);
  EXPECT_EQ(scalar<int64_t>(m, "t.i32", MetaType::kI32), -2000000000);
  EXPECT_EQ(scalar<double>(m, "t.f32", MetaType::kF32), 0.1F);
  EXPECT_EQ(scalar<bool>(m, "t.bool", MetaType::kBool), true);
  EXPECT_EQ(scalar<std::string>(m, "t.string", MetaType::kString), "鱼 and chips");
  EXPECT_EQ(scalar<uint64_t>(m, "t.u64", MetaType::kU64), (uint64_t{1} << 63) + 1);
  EXPECT_EQ(scalar<int64_t>(m, "t.i64", MetaType::kI64), -(int64_t{1} << 62));
  EXPECT_EQ(scalar<double>(m, "t.f64", MetaType::kF64), 0.1);
  EXPECT_THAT(m.get_ints("t.array_i32"), ElementsAre(-1, 2, -3));
  EXPECT_THAT(m.get_floats("t.array_f32"), ElementsAre(0.5, -1.25));
  EXPECT_THAT(m.get_ints("t.array_u8"), ElementsAre(1, 2, 255));
  EXPECT_THAT(*m.find_strings("t.array_string"), ElementsAre("a", "", std::string("\xff\0x", 3)));
  const auto array = scalar<MetaArray>(m, "t.array_bool", MetaType::kBool);
  const auto& flags = std::get<std::vector<bool>>(array);
  EXPECT_THAT(flags, ElementsAre(true, false, true));
}

TEST(GgufParser, ReadsTensors) {
  const Bytes bytes = read_bytes(golden("typed.gguf"));
  const ParsedFile file = parse_gguf(bytes, "typed");
  ASSERT_EQ(file.tensors.size(), 4);
  EXPECT_EQ(file.tensors[0].name, "vector");
  EXPECT_THAT(file.tensors[0].shape, ElementsAre(5));
  EXPECT_EQ(file.tensors[1].type, quant::DType::kF16);
  EXPECT_THAT(file.tensors[1].shape, ElementsAre(4, 3));
  for (uint16_t i = 0; i < 12; ++i) {
    f16 value = {};
    std::memcpy(&value, file.tensors[1].data.data() + i * sizeof(value), sizeof(value));
    EXPECT_EQ(to_f32(value), i);
  }
  EXPECT_THAT(file.tensors[2].shape, ElementsAre(4, 3, 2));
  EXPECT_EQ(file.tensors[2].rows(), 6);
  EXPECT_EQ(file.tensors[2].elements(), 24);
  EXPECT_EQ(file.tensors[3].type, quant::DType::kQ8_0);
  EXPECT_EQ(file.tensors[3].data.size(), 2 * 2 * 34);
}

TEST(GgufParser, ReadsVersion2AndFilesWithoutTensors) {
  const ParsedFile file = Builder(2, 0, 1).text("k").add(uint32_t{4}).add(uint32_t{7}).parse();
  EXPECT_EQ(file.metadata.get_uint("k"), 7);
  EXPECT_TRUE(file.tensors.empty());
}

TEST(GgufParser, RefusesOtherVersionsAndByteOrders) {
  Builder(1, 0, 0).expect(ErrorKind::kUnsupported, "file is GGUF version 1");
  Builder(4, 0, 0).expect(ErrorKind::kUnsupported, "newer version of this program");
  Builder(0, 0, 0).expect(ErrorKind::kUnsupported, "version 0");
  const Bytes big = read_bytes(golden("big_endian.gguf"));
  Bytes disguised = big;
  std::memcpy(disguised.data(), "GGUF", 4);
  expect_error([&] { parse_gguf(disguised, "file"); }, ErrorKind::kUnsupported, "big-endian");
}

TEST(GgufParser, RefusesHostileCountsBeforeTakingMemory) {
  constexpr uint64_t kHuge = uint64_t{1} << 60;
  Builder(3, kHuge, 0).expect(ErrorKind::kInvalidData, "tensors, more than it has room for");
  Builder(3, 0, kHuge).expect(ErrorKind::kInvalidData, "metadata entries, more than it has room for");
  Builder(3, 0, 1).add(kHuge).data(64).expect(ErrorKind::kInvalidData, "key of");
  Builder(3, 0, 1).text("k").add(uint32_t{8}).add(kHuge).data(64).expect(ErrorKind::kInvalidData, "truncated");
  for (const uint32_t type : {0U, 5U, 6U, 7U, 8U, 12U}) {
    Builder(3, 0, 1)
        .text("k")
        .add(uint32_t{9})
        .add(type)
        .add(kHuge)
        .data(64)
        .expect(ErrorKind::kInvalidData, "elements of a list");
  }
  Builder(3, 1, 0).add(~uint64_t{0}).data(64).expect(ErrorKind::kInvalidData, "tensor name of");
}

TEST(GgufParser, RefusesWrongMetadata) {
  Builder(3, 0, 2)
      .text("k")
      .add(uint32_t{4})
      .add(1U)
      .text("k")
      .add(uint32_t{4})
      .add(1U)
      .expect(ErrorKind::kInvalidData, "key k is there twice");
  Builder(3, 0, 1).text("k").add(uint32_t{13}).data(64).expect(ErrorKind::kInvalidData, "13 is no type");
  Builder(3, 0, 1)
      .text("k")
      .add(uint32_t{9})
      .add(uint32_t{9})
      .data(64)
      .expect(ErrorKind::kUnsupported, "list of lists");
  Builder(3, 0, 1).text("k").add(uint32_t{7}).add(uint8_t{2}).expect(ErrorKind::kInvalidData, "neither true nor false");
  for (const uint32_t alignment : {0U, 1U, 12U, 48U, 1U << 31}) {
    Builder(3, 0, 1)
        .text("general.alignment")
        .add(uint32_t{4})
        .add(alignment)
        .expect(ErrorKind::kInvalidData, "alignment");
  }
  Builder(3, 0, 1).text("general.alignment").add(uint32_t{8}).text("x").expect(ErrorKind::kInvalidData, "alignment");
}

TEST(GgufParser, RefusesWrongTensors) {
  Builder(3, 1, 0).tensor("a", {32}, 2, 0).data(17).expect(ErrorKind::kInvalidData, "data of tensor a lies beyond");
  Builder(3, 1, 0).tensor("a", {32}, 2, 32).data(32).expect(ErrorKind::kInvalidData, "data of tensor a lies beyond");
  Builder(3, 1, 0).tensor("a", {32}, 2, ~uint64_t{31}).data(64).expect(ErrorKind::kInvalidData, "lies beyond");
  Builder(3, 1, 0).tensor("a", {32}, 2, 8).data(64).expect(ErrorKind::kInvalidData, "not aligned");
  Builder(3, 1, 0).tensor("a", {33}, 2, 0).data(64).expect(ErrorKind::kInvalidData, "no multiple of 32");
  Builder(3, 1, 0).tensor("a\n", {32}, 99, 0).data(64).expect(ErrorKind::kUnsupported, "tensor a? is of type 99");
  Builder(3, 1, 0).tensor("a", {}, 0, 0).data(64).expect(ErrorKind::kInvalidData, "0 dimensions");
  Builder(3, 1, 0).tensor("a", {1, 1, 1, 1, 1}, 0, 0).data(64).expect(ErrorKind::kInvalidData, "5 dimensions");
  Builder(3, 1, 0).tensor("a", {0}, 0, 0).data(64).expect(ErrorKind::kInvalidData, "not possible");
  Builder(3, 1, 0).tensor("a", {uint64_t{1} << 63}, 0, 0).data(64).expect(ErrorKind::kInvalidData, "not possible");
  constexpr uint64_t kLarge = uint64_t{1} << 32;
  Builder(3, 1, 0).tensor("a", {kLarge, kLarge}, 0, 0).data(64).expect(ErrorKind::kInvalidData, "not possible");
  Builder(3, 1, 0).tensor("a", {kLarge, kLarge / 32}, 0, 0).data(64).expect(ErrorKind::kInvalidData, "");
  Builder(3, 2, 0).tensor("a", {8}, 0, 0).tensor("a", {8}, 0, 32).data(64).expect(ErrorKind::kInvalidData, "a twice");
  Builder(3, 2, 0).tensor("a", {9}, 0, 0).tensor("b", {8}, 0, 32).data(64).expect(ErrorKind::kInvalidData, "overlap");
  EXPECT_EQ(Builder(3, 2, 0).tensor("a", {8}, 0, 32).tensor("b", {8}, 0, 0).data(64).parse().tensors.size(), 2);
}

TEST(GgufParser, SurvivesTruncationAndChanges) {
  const Bytes good = read_bytes(golden("typed.gguf"));
  const ParsedFile file = parse_gguf(good, "typed");
  const auto& last = file.tensors.back().data;
  const auto end = static_cast<size_t>(last.data() + last.size() - good.data());
  expect_survives(good, end, [](std::span<const std::byte> bytes) {
    return !parse_gguf(bytes, "file").metadata.entries().empty();
  });
}

}  // namespace
}  // namespace patina::io
