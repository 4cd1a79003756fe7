#include "adapter/principal_init.h"

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "io/test_files.h"
#include "quant/dequantize.h"

namespace patina::adapter {
namespace {

using Numbers = std::vector<float>;

// scale * B A
Numbers product(const LoraAdapter& adapter, const LoraEntry& entry) {
  Numbers result;
  for (int64_t o = 0; o < entry.b.rows(); ++o) {
    for (int64_t i = 0; i < entry.a.cols(); ++i) {
      double sum = 0;
      for (int64_t r = 0; r < entry.rank(); ++r) sum += static_cast<double>(entry.b.row(o)[r]) * entry.a.row(r)[i];
      result.push_back(static_cast<float>(sum) * adapter.scale(entry));
    }
  }
  return result;
}

double distance(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(static_cast<double>(a[i]) - b[i], 2);
  return std::sqrt(sum);
}

class PrincipalInitTest : public testing::Test {
 protected:
  LoraAdapter adapter(const std::string& site, int64_t rank, float alpha) const {
    const io::TensorInfo& tensor = *model_->find(site + ".weight");
    const std::vector<LinearSite> sites = {{site, tensor.row_length(), tensor.rows()}};
    LoraOptions options;
    options.rank = rank;
    options.alpha = alpha;
    return create_lora(sites, options);
  }

  Numbers matrix(const std::string& site) const {
    const io::TensorInfo& tensor = *model_->find(site + ".weight");
    Numbers numbers(static_cast<size_t>(tensor.elements()));
    quant::dequantize(tensor.type, tensor.data, numbers);
    return numbers;
  }

  std::shared_ptr<const io::ModelFile> model_ =
      io::ModelFile::open(PATINA_SOURCE_DIR "/tests/golden/gradients/llama.gguf");
  ThreadPool pool_{2};
  tensor::BufferPool buffers_;
  ops::Context context_{.pool = pool_, .kernels = kernels::default_kernels(), .buffers = buffers_};
};

// scripts/golden/principal.py
TEST_F(PrincipalInitTest, DoesWhatPeftDoes) {
  const auto golden = nlohmann::json::parse(std::ifstream(PATINA_SOURCE_DIR "/tests/golden/adapter/principal.json"));
  for (const auto& expected : golden) {
    const std::string site = expected.at("site");
    const LoraAdapter lora = adapter(site, expected.at("rank"), expected.at("alpha"));
    const bool pissa = expected.at("init") == "pissa";
    init_from_base(lora, *model_, pissa ? PrincipalInit::kPissa : PrincipalInit::kOlora, 1, context_);
    const Numbers got = product(lora, lora.entries[0]);
    const auto peft = expected.at("product").get<Numbers>();
    ASSERT_EQ(got.size(), peft.size());
    const double size = distance(peft, Numbers(peft.size()));
    // What is nearest to a random matrix is not sharply decided: some of its singular values are nearly equal.
    EXPECT_LT(distance(got, peft), (pissa ? 0.05 : 1e-5) * size) << site;
    EXPECT_NEAR(distance(got, matrix(site)) / expected.at("left").get<double>(), 1, pissa ? 1e-4 : 1e-5) << site;
  }
}

TEST_F(PrincipalInitTest, DifferenceIsWhatWasLearned) {
  const LoraAdapter lora = adapter("blk.0.attn_q", 4, 8);
  init_from_base(lora, *model_, PrincipalInit::kPissa, 1, context_);
  const LoraAdapter initial = clone(lora);
  const Numbers before = product(lora, lora.entries[0]);
  float change = 1e-3F;
  for (const tensor::Tensor& tensor : {lora.entries[0].a, lora.entries[0].b}) {
    for (float& value : tensor.values()) value += (change = -change * 1.001F);
  }
  const Numbers after = product(lora, lora.entries[0]);
  const LoraAdapter learned = difference(lora, initial);
  EXPECT_EQ(learned.entries[0].rank(), 8);
  EXPECT_EQ(learned.scale(learned.entries[0]), lora.scale(lora.entries[0]));
  const Numbers got = product(learned, learned.entries[0]);
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], after[i] - before[i], 1e-5F);
  EXPECT_GT(distance(got, Numbers(got.size())), 1e-2);
}

TEST_F(PrincipalInitTest, IsTheSameWithAnyNumberOfThreads) {
  ThreadPool one(1);
  ops::Context alone{.pool = one, .kernels = kernels::default_kernels(), .buffers = buffers_};
  const LoraAdapter a = adapter("blk.0.attn_q", 4, 8);
  const LoraAdapter b = adapter("blk.0.attn_q", 4, 8);
  init_from_base(a, *model_, PrincipalInit::kPissa, 3, context_);
  init_from_base(b, *model_, PrincipalInit::kPissa, 3, alone);
  EXPECT_TRUE(std::ranges::equal(a.entries[0].a.values(), b.entries[0].a.values()));
  EXPECT_TRUE(std::ranges::equal(a.entries[0].b.values(), b.entries[0].b.values()));
}

TEST_F(PrincipalInitTest, RefusesARankBeyondTheMatrix) {
  const LoraAdapter lora = adapter("blk.0.attn_k", 1000, 8);
  io::expect_error([&] { init_from_base(lora, *model_, PrincipalInit::kOlora, 1, context_); },
                   ErrorKind::kInvalidArgument, "--lora-rank");
}

}  // namespace
}  // namespace patina::adapter
