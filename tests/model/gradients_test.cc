#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "adapter/lora_adapter.h"
#include "autograd/tape.h"
#include "base/error.h"
#include "io/model_file.h"
#include "model/golden_gradients.h"
#include "model/model.h"
#include "ops/cross_entropy.h"

// Logits, losses and adapter gradients of tiny models of every architecture against PyTorch's, which are in f64
// (scripts/golden/gradients.py). f32 throughout here: rounding errors of about 1e-6 grow through a few layers.
namespace patina::model {
namespace {

constexpr size_t kSequences = 2;

// "gemma3-vocabulary" has the model "gemma3".
std::filesystem::path model_of(const std::string& test) {
  return golden_gradients(test.substr(0, test.find('-')) + ".gguf");
}

class GradientsTest : public testing::TestWithParam<std::string> {
 protected:
  GradientsTest()
      : expected_(io::ModelFile::open(golden_gradients(GetParam() + "-expected.gguf"))),
        model_(Model::load(io::ModelFile::open(model_of(GetParam())), pool_)),
        lora_(adapter::load_lora(golden_gradients(GetParam() + "-adapter.gguf"))),
        attachment_(model_->sites().size()) {
    adapter::attach_lora(lora_, "adapter", 1.0F, {model_->sites(), model_->hyper().architecture}, attachment_, {});
    for (size_t i = 0; i < kSequences; ++i) {
      for (const int64_t token : expected_->metadata().get_ints(fmt::format("tokens.{}", i))) {
        tokens_[i].push_back(static_cast<int32_t>(token));
      }
      response_[i] = expected_->metadata().get_ints(fmt::format("response.{}", i));
    }
    for (const adapter::LoraEntry& entry : lora_.entries) {
      entry.a.set_needs_grad(true);
      entry.b.set_needs_grad(true);
    }
  }

  std::vector<SequencePart> parts() const { return {{tokens_[0], nullptr}, {tokens_[1], nullptr}}; }

  // The rows that predict a token of a response, in both sequences laid end to end, with their targets.
  void find_targets() {
    int32_t row = 0;
    for (size_t i = 0; i < kSequences; ++i) {
      for (size_t t = 0; t < tokens_[i].size(); ++t, ++row) {
        if (t + 1 == tokens_[i].size() || response_[i][t + 1] == 0) continue;
        rows_.push_back(row);
        targets_.push_back(tokens_[i][t + 1]);
      }
    }
    weights_.assign(rows_.size(), 1.0F / static_cast<float>(rows_.size()));
  }

  ops::CrossEntropy loss_of(const ops::Tensor& hidden, const adapter::Attachment& adapters,
                            ops::CrossEntropyGradients gradients) {
    return ops::cross_entropy(context_, hidden, model_->output(adapters), targets_, weights_, gradients);
  }

  void expect_logits(const std::string& name, const adapter::Attachment& adapters) {
    for (size_t i = 0; i < kSequences; ++i) {
      std::vector<int32_t> rows;
      rows.reserve(tokens_[i].size());
      for (size_t t = 0; t < tokens_[i].size(); ++t) rows.push_back(static_cast<int32_t>(t));
      const std::vector<SequencePart> one = {{tokens_[i], nullptr}};
      const ops::Tensor logits = model_->logits(context_, model_->hidden(context_, one, rows, adapters), adapters);
      const std::string tensor = fmt::format("{}.{}", name, i);
      expect_near(logits.values(), floats(expected_->require(tensor)), tensor);
    }
  }

  void expect_gradients(bool recompute) {
    find_targets();
    autograd::Tape tape(buffers_, {.recompute_blocks = recompute});
    context_.recorder = &tape;
    const ops::Tensor hidden = model_->hidden(context_, parts(), rows_, attachment_);
    ops::CrossEntropy loss;
    tape.run([&](ops::Gradients& gradients) {
      loss = loss_of(hidden, attachment_, {.wanted = true, .parameters = &gradients});
    });
    context_.recorder = nullptr;
    EXPECT_NEAR(loss.loss, floats(expected_->require("loss"))[0], 1e-5);
    tape.backward(context_, hidden, loss.dhidden);
    for (const adapter::LoraEntry& entry : lora_.entries) {
      const bool turned = entry.site == "token_embd";  // of which a file has B and A', transposed
      expect_gradient(tape.gradient(entry.a), entry.site + (turned ? ".weight.lora_b" : ".weight.lora_a"), turned);
      expect_gradient(tape.gradient(entry.b), entry.site + (turned ? ".weight.lora_a" : ".weight.lora_b"), false);
    }
  }

  void expect_gradient(const ops::Tensor& gradient, const std::string& name, bool transposed) {
    ASSERT_TRUE(gradient) << name;
    std::vector<float> values(gradient.values().begin(), gradient.values().end());
    for (int64_t i = 0; transposed && i < gradient.size(); ++i) {
      const auto [row, column] = std::div(i, gradient.cols());
      values[static_cast<size_t>(column * gradient.rows() + row)] = gradient.data()[i];
    }
    expect_near(values, floats(expected_->require(name + ".grad")), name);
  }

  ThreadPool pool_{2};
  tensor::BufferPool buffers_;
  ops::Context context_{
      .pool = pool_, .kernels = kernels::default_kernels(), .buffers = buffers_, .recorder = nullptr, .precise = true};
  std::unique_ptr<io::ModelFile> expected_;
  std::unique_ptr<Model> model_;
  adapter::LoraAdapter lora_;
  adapter::Attachment attachment_;
  std::vector<int32_t> tokens_[kSequences];
  std::vector<int64_t> response_[kSequences];
  std::vector<int32_t> rows_;
  std::vector<int32_t> targets_;
  std::vector<float> weights_;
};

TEST_P(GradientsTest, LogitsWithoutAdapterEqualPyTorch) { expect_logits("base_logits", {}); }
TEST_P(GradientsTest, LogitsWithAdapterEqualPyTorch) { expect_logits("logits", attachment_); }
TEST_P(GradientsTest, AdapterGradientsEqualPyTorch) { expect_gradients(false); }
TEST_P(GradientsTest, RecomputedBlocksGiveTheSameGradients) { expect_gradients(true); }

TEST_P(GradientsTest, LossWithoutAdapterEqualsPyTorch) {
  find_targets();
  const ops::Tensor hidden = model_->hidden(context_, parts(), rows_, {});
  EXPECT_NEAR(loss_of(hidden, {}, {}).loss, floats(expected_->require("base_loss"))[0], 1e-5);
}

TEST_P(GradientsTest, CachedPiecesGiveTheSameLogits) {
  const std::vector<int32_t>& tokens = tokens_[0];
  KvCache cache(model_->hyper(), 256);
  KvSequence sequence(cache);
  const auto expected = floats(expected_->require("logits.0"));
  for (size_t begin = 0; begin < tokens.size();) {
    const size_t count = std::min<size_t>(begin == 0 ? 5 : 1, tokens.size() - begin);
    const std::vector<SequencePart> piece = {{std::span(tokens).subspan(begin, count), &sequence}};
    sequence.grow(static_cast<int64_t>(count));
    const std::vector<int32_t> last = {static_cast<int32_t>(count - 1)};
    const ops::Tensor logits =
        model_->logits(context_, model_->hidden(context_, piece, last, attachment_), attachment_);
    const auto vocabulary = static_cast<size_t>(logits.cols());
    const auto row = expected.subspan((begin + count - 1) * vocabulary, vocabulary);
    // Keys and values are kept in f16: relative errors of 5e-4 in each.
    for (size_t i = 0; i < vocabulary; ++i) EXPECT_NEAR(logits.data()[i], row[i], 5e-3) << begin;
    begin += count;
  }
}

// Every case of the script, which must hold every architecture of the registry.
const std::vector<std::string> kCases = {
    "llama", "llama3", "qwen2", "qwen3", "gemma3", "llama-vocabulary", "gemma3-vocabulary"};
INSTANTIATE_TEST_SUITE_P(Architectures, GradientsTest, testing::ValuesIn(kCases));

TEST(Gradients, CoverEveryArchitecture) {
  std::set<std::string> covered;
  for (const std::string& name : kCases) {
    covered.insert(io::ModelFile::open(model_of(name))->metadata().get_string("general.architecture"));
  }
  const std::vector<std::string> names = architecture_names();
  EXPECT_EQ(covered, std::set<std::string>(names.begin(), names.end()));
}

}  // namespace
}  // namespace patina::model
