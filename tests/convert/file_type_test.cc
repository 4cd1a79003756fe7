#include "convert/file_type.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

namespace patina::convert {
namespace {

using nlohmann::json;
using quant::DType;

// Made by scripts/golden/mixes.py.
json read_golden() {
  std::ifstream file(std::string(PATINA_SOURCE_DIR) + "/tests/golden/convert/mixes.json");
  return json::parse(file);
}

io::Metadata metadata_of(const json& model) {
  io::Metadata metadata;
  for (const auto& [key, value] : model["metadata"].items()) {
    if (value.is_string()) {
      metadata.set(key, value.get<std::string>());
    } else {
      metadata.set(key, value.get<uint64_t>());
    }
  }
  return metadata;
}

std::vector<io::TensorInfo> tensors_of(const json& model) {
  std::vector<io::TensorInfo> tensors;
  for (const json& entry : model["tensors"]) {
    const auto shape = entry[1].get<std::vector<int64_t>>();
    tensors.push_back({entry[0].get<std::string>(), shape.size() == 1 ? DType::kF32 : DType::kF16, shape, {}});
  }
  return tensors;
}

std::string expected_type(const json& types, const std::string& name) {
  for (const auto& [type, names] : types["others"].items()) {
    for (const json& other : names) {
      if (other == name) return type;
    }
  }
  return types["most"].get<std::string>();
}

TEST(ChooseTypes, AreLlamaCpps) {
  const json golden = read_golden();
  ASSERT_GE(golden.size(), 8U);
  for (const auto& [name, model] : golden.items()) {
    const io::Metadata metadata = metadata_of(model);
    const std::vector<io::TensorInfo> tensors = tensors_of(model);
    EXPECT_EQ(model["types"].size(), file_types().size());
    for (const FileTypeInfo& target : file_types()) {
      const json& expected = model["types"].at(std::string(target.name));
      const std::vector<DType> types = choose_types(metadata, tensors, target.type);
      ASSERT_EQ(types.size(), tensors.size());
      for (size_t i = 0; i < types.size(); ++i) {
        const io::TensorInfo& tensor = tensors[i];
        const std::string type = tensor.shape.size() == 1 ? "F32" : expected_type(expected, tensor.name);
        EXPECT_EQ(quant::name(types[i]), type) << name << " to " << target.name << ": " << tensor.name;
      }
    }
  }
}

TEST(ChooseTypes, DoWithoutMetadata) {
  const std::vector<io::TensorInfo> tensors = {
      {"blk.0.attn_v.weight", DType::kF16, {256, 256}, {}},
      {"blk.99999999999999999999.ffn_down.weight", DType::kF16, {256, 256}, {}},
      {"blk.x.ffn_down.weight", DType::kBF16, {32, 8}, {}},
      {"", DType::kQ4_0, {32, 8}, {}},
      {"rope_freqs.weight", DType::kF32, {64}, {}},
      {"column.weight", DType::kF32, {64, 1}, {}},
  };
  for (const FileTypeInfo& target : file_types()) {
    const std::vector<DType> types = choose_types({}, tensors, target.type);
    for (size_t i = 3; i < tensors.size(); ++i) EXPECT_EQ(types[i], tensors[i].type);
  }
  EXPECT_EQ(choose_types({}, tensors, FileType::kQ5_K_S)[2], DType::kQ5_1);
}

TEST(FileTypes, NamesLeadBack) {
  std::set<FileType> seen;
  for (const FileTypeInfo& type : file_types()) {
    EXPECT_TRUE(seen.insert(type.type).second);
    EXPECT_EQ(file_type_from_name(type.name), type.type);
    EXPECT_EQ(info(type.type).name, type.name);
  }
  EXPECT_EQ(file_type_from_name("q4_k_m"), FileType::kQ4_K_M);
  EXPECT_EQ(file_type_from_name("Q5_K"), FileType::kQ5_K_M);
  for (const char* unknown : {"", "Q4", "Q6_K_M", "IQ2_XXS", "Q4_K_M "}) {
    EXPECT_FALSE(file_type_from_name(unknown).has_value()) << unknown;
  }
}

}  // namespace
}  // namespace patina::convert
