#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "adapter/lora_adapter.h"
#include "io/model_file.h"
#include "model/model.h"

// A GGJT v3 model in each of its tensor types against the last program that read that form, llama-cpp-python 0.1.78
// (scripts/golden/legacy.py). It rounds activations to 8 bits in blocks of 32, as patina does without `precise`, but
// keeps the blocks' scales in f16. Such rounding is a relative error of some 0.5 % in each product, which a value at
// the border between two codes may carry on either side: 1.5 % allowed after two products in a row and the norms.
namespace patina::model {
namespace {

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(PATINA_SOURCE_DIR) / "tests/golden/legacy" / name;
}

// The model of this type, with the adapter where one is named, gives the logits under `key`.
void expect_logits(const std::string& key, const std::string& type, const std::string& adapter) {
  const nlohmann::json figures = nlohmann::json::parse(std::ifstream(golden("logits.json")));
  const std::vector<int32_t> tokens = figures["tokens"];
  const std::vector<float> expected = figures[key];
  ThreadPool pool(2);
  const std::unique_ptr<Model> model = Model::load(io::ModelFile::open(golden(type + ".bin")), pool);
  adapter::Attachment attachment(model->sites().size());
  if (!adapter.empty()) {
    attach_lora(adapter::load_lora(golden(adapter)), adapter, 1.0F, {model->sites(), "llama"}, attachment, {});
  }
  tensor::BufferPool buffers;
  ops::Context context{
      .pool = pool, .kernels = kernels::default_kernels(), .buffers = buffers, .recorder = nullptr, .precise = false};
  KvCache cache(model->hyper(), 64);
  KvSequence sequence(cache);
  sequence.grow(static_cast<int64_t>(tokens.size()));
  const std::vector<SequencePart> parts = {{tokens, &sequence}};
  const std::vector<int32_t> last = {static_cast<int32_t>(tokens.size() - 1)};
  const ops::Tensor logits = model->logits(context, model->hidden(context, parts, last, attachment), attachment);
  ASSERT_EQ(logits.values().size(), expected.size());
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(logits.data()[i] - expected[i], 2);
    size += std::pow(expected[i], 2);
  }
  // The reader rounded activations to 127 steps, too; with other steps the roundings of both add up (2.4e-2 at zen4).
  const quant::DType dtype = quant::dtype_from_name(type).value_or(quant::DType::kF32);
  const bool as_the_reader = quant::is_float(dtype) || context.kernels.matmul.acts_form(dtype).most == 127;
  EXPECT_LT(std::sqrt(error / size), as_the_reader ? 1.5e-2 : 2.5e-2);
}

class LegacyTest : public testing::TestWithParam<std::string> {};

TEST_P(LegacyTest, LogitsEqualThoseOfTheReaderOfThatTime) { expect_logits(GetParam(), GetParam(), ""); }

TEST(LegacyAdapterTest, ActsAsInTheReaderOfThatTime) { expect_logits("adapter", "F32", "adapter.bin"); }

INSTANTIATE_TEST_SUITE_P(Types, LegacyTest, testing::Values("F32", "F16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"));

}  // namespace
}  // namespace patina::model
