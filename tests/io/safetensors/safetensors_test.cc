#include <cstring>
#include <string>
#include <vector>

#include "io/safetensors/parser.h"
#include "io/safetensors/writer.h"
#include "io/test_files.h"
#include "quant/dequantize.h"

namespace patina::io {
namespace {

using quant::DType;
using testing::ElementsAre;

// Made by scripts/golden/safetensors_files.py.
std::filesystem::path golden_file(const std::string& name) {
  return std::filesystem::path(PATINA_SOURCE_DIR) / "tests/golden/safetensors" / name;
}

// A file of this header, lengthened to a multiple of 8, and so many bytes of data.
Bytes file_of(std::string header, size_t data) {
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t size = header.size();
  Bytes bytes(sizeof(size) + header.size() + data);
  std::memcpy(bytes.data(), &size, sizeof(size));
  std::memcpy(bytes.data() + sizeof(size), header.data(), header.size());
  return bytes;
}

void expect_refused(const std::string& header, size_t data, ErrorKind kind, const std::string& part) {
  const Bytes bytes = file_of(header, data);
  expect_error([&] { parse_safetensors(bytes, "file"); }, kind, part);
}

TEST(Safetensors, ReadsWhatThePackageWrote) {
  const auto file = ModelFile::open(golden_file("typed.safetensors"));
  EXPECT_EQ(file->form(), FileForm::kSafetensors);
  EXPECT_EQ(file->metadata().get_string("format"), "pt");
  ASSERT_EQ(file->tensors().size(), 5U);
  const auto expect_tensor = [&](const std::string& name, DType type, const std::vector<int64_t>& shape) {
    const TensorInfo& tensor = file->require(name);
    EXPECT_EQ(tensor.type, type) << name;
    EXPECT_EQ(tensor.shape, shape) << name;
    std::vector<float> values(static_cast<size_t>(tensor.elements()));
    quant::dequantize(tensor.type, tensor.data, values);
    const int64_t half = tensor.elements() / 2;
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(values[i], static_cast<float>(static_cast<int64_t>(i) - half) / 8) << name;
    }
  };
  expect_tensor("a.matrix", DType::kF32, {2, 4});
  expect_tensor("b.matrix", DType::kF32, {5, 3});
  expect_tensor("half", DType::kF16, {4, 3, 2});
  expect_tensor("brain", DType::kBF16, {7});
  expect_tensor("with \"quotes\" and 鱼", DType::kF32, {2, 1});
}

TEST(Safetensors, ANumberIsAVectorOfOne) {
  const auto file = ModelFile::open(golden_file("scalar.safetensors"));
  const TensorInfo& scalar = file->require("scalar");
  EXPECT_THAT(scalar.shape, ElementsAre(1));
  float value = 0;
  quant::dequantize(scalar.type, scalar.data, {&value, 1});
  EXPECT_EQ(value, 0.625F);
}

TEST(Safetensors, WritesWhatThePackageWritesByteForByte) {
  const TemporaryFolder folder;
  const auto file = ModelFile::open(golden_file("typed.safetensors"));
  std::vector<TensorToWrite> tensors;
  for (const TensorInfo& t : file->tensors()) tensors.insert(tensors.begin(), {t.name, t.type, t.shape, t.data});
  write_safetensors(folder / "out", file->metadata(), tensors);
  EXPECT_EQ(read_bytes(folder / "out"), read_bytes(golden_file("typed.safetensors")));
}

TEST(Safetensors, RefusesWhatItCannotRead) {
  expect_error([] { ModelFile::open(golden_file("f64.safetensors")); }, ErrorKind::kUnsupported, "F64");
  expect_refused(R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", 0, ErrorKind::kUnsupported, "elements");
  expect_refused(R"({"a":{"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[0,4]}})", 4, ErrorKind::kUnsupported,
                 "5 dimensions");
}

TEST(Safetensors, RefusesHostileHeaders) {
  constexpr ErrorKind kInvalid = ErrorKind::kInvalidData;
  const auto one = [](const std::string& offsets, const std::string& shape) {
    return R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  expect_refused(one("[0,8]", "[3]"), 8, kInvalid, "8 bytes where its shape asks for 12");
  expect_refused(one("[4,0]", "[1]"), 4, kInvalid, "no begin and end");
  expect_refused(one("[4,8]", "[1]"), 8, kInvalid, "begins at byte 4 where 0 is next");
  expect_refused(one("[0,4]", "[1]"), 3, kInvalid, "beyond its end");
  expect_refused(one("[0,4]", "[1]"), 5, kInvalid, "1 bytes at its end");
  expect_refused(one("[0,4]", "[-1]"), 4, kInvalid, "no shape of whole numbers");
  expect_refused(one("[0,4]", "[1.0]"), 4, kInvalid, "no shape of whole numbers");
  expect_refused(one("[0,4]", "[18446744073709551615,4611686018427387905]"), 4, kInvalid, "not possible");
  expect_refused(one("[0]", "[1]"), 4, kInvalid, "no begin and end");
  expect_refused(R"({"a":{},"a":{}})", 0, kInvalid, "a twice");
  expect_refused(R"({"a":[]})", 0, kInvalid, "tensor a is no object");
  expect_refused(R"({"__metadata__":{"a":1}})", 0, kInvalid, "is no text");
  expect_refused(R"({"__metadata__":[]})", 0, kInvalid, "no object");
  expect_refused(R"({"a")", 0, kInvalid, "no JSON");
  expect_refused("[]", 0, kInvalid, "no JSON object");
  expect_refused(R"({"a":)" + std::string(100000, '[') + "}", 0, kInvalid, "nests too deeply");
  Bytes long_header = file_of("{}", 0);
  long_header[4] = std::byte{1};
  expect_error([&] { parse_safetensors(long_header, "file"); }, kInvalid, "more than the format allows");
}

TEST(Safetensors, RefusesToWriteWhatItCannotExpress) {
  const TemporaryFolder folder;
  const std::vector<std::byte> data(64);
  const auto refuse = [&](const std::vector<TensorToWrite>& tensors, const Metadata& metadata,
                          const std::string& part) {
    expect_error([&] { write_safetensors(folder / "out", metadata, tensors); }, ErrorKind::kInvalidArgument, part);
    EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  };
  const std::span<const std::byte> four = std::span(data).first(4);
  refuse({{"a", DType::kQ8_0, {32}, std::span(data).first(34)}}, {}, "Q8_0");
  refuse({{"a", DType::kF32, {2}, four}}, {}, "other data");
  refuse({{"a", DType::kF32, {1}, four}, {"a", DType::kF32, {1}, four}}, {}, "twice");
  refuse({{"\xff", DType::kF32, {1}, four}}, {}, "UTF-8");
  Metadata number;
  number.set("n", uint64_t{1});
  refuse({{"a", DType::kF32, {1}, four}}, number, "n is no text");
}

TEST(Safetensors, IsNoModel) {
  expect_error([] { require_model(*ModelFile::open(golden_file("typed.safetensors"))); }, ErrorKind::kUnsupported,
               "convert_hf_to_gguf.py");
}

TEST(Safetensors, SurvivesTruncationAndChanges) {
  const Bytes good = read_bytes(golden_file("typed.safetensors"));
  uint64_t header = 0;
  std::memcpy(&header, good.data(), sizeof(header));
  expect_survives(good, sizeof(header) + header,
                  [](std::span<const std::byte> bytes) { return !parse_safetensors(bytes, "file").tensors.empty(); });
}

}  // namespace
}  // namespace patina::io
