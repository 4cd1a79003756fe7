#include "autograd/saved_tensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <random>

#include "autograd/tape.h"

namespace patina::autograd {
namespace {

class SavedTensorsTest : public testing::Test {
 protected:
  ops::Tensor random(int64_t rows, int64_t cols, float size) {
    ops::Tensor x = buffers_.make(rows, cols);
    for (float& value : x.values()) value = size * normal_(random_);
    return x;
  }

  std::mt19937 random_{3};  // NOLINT(bugprone-random-generator-seed): the same figures in every run
  std::normal_distribution<float> normal_;
  ThreadPool pool_{2};
  tensor::BufferPool buffers_;
  ops::Context context_{.pool = pool_, .kernels = kernels::default_kernels(), .buffers = buffers_};
};

// Rows of any size, an odd number of columns.
TEST_F(SavedTensorsTest, CompactNumbersAreOffByElevenBitsOfThemselvesOrTwentyFourOfTheirRow) {
  for (const float size : {1e-18F, 1e-6F, 1.0F, 3e4F, 1e15F}) {
    const ops::Tensor x = random(5, 333, size);
    x.row(1)[7] = 300.0F * size;
    x.row(2)[8] = 0.0F;
    const ops::Tensor y = Compact(context_, x).restore(context_);
    EXPECT_EQ(y.key(), x.key());
    for (int64_t t = 0; t < x.rows(); ++t) {
      double squares = 0;
      for (int64_t i = 0; i < x.cols(); ++i) squares += std::pow(static_cast<double>(x.row(t)[i]), 2);
      const double mean = std::sqrt(squares / static_cast<double>(x.cols()));
      for (int64_t i = 0; i < x.cols(); ++i) {
        const double exact = x.row(t)[i];
        ASSERT_NEAR(y.row(t)[i], exact, std::abs(exact) * 0x1p-11 + mean * 0x1p-24) << size << ' ' << t << ' ' << i;
      }
    }
  }
}

TEST_F(SavedTensorsTest, CompactZerosAndNumbersThatAreNoneStayWhatTheyAre) {
  const ops::Tensor x = buffers_.make_zero(2, 40);
  x.row(1)[3] = std::numeric_limits<float>::quiet_NaN();
  x.row(1)[4] = 2.5F;
  const ops::Tensor y = Compact(context_, x).restore(context_);
  for (const float value : y.rows_view(0, 1).values()) EXPECT_EQ(value, 0.0F);
  EXPECT_TRUE(std::isnan(y.row(1)[3]));
  EXPECT_EQ(y.row(1)[4], 2.5F);
}

TEST_F(SavedTensorsTest, CompactTakesHalfOfTheMemory) {
  ops::Tensor x = random(64, 4096, 1.0F);
  const auto saved = std::make_unique<Compact>(context_, x);
  const int64_t with_both = buffers_.used_bytes();
  x = {};
  EXPECT_LT(buffers_.used_bytes(), with_both * 2 / 5);
  EXPECT_EQ(saved->restore(context_).cols(), 4096);
}

TEST_F(SavedTensorsTest, ATapeKeepsATensorOnceAndNothingOfWhatIsDerived) {
  Tape tape(buffers_, {.compact = true});
  const ops::Tensor x = random(3, 8, 1.0F);
  EXPECT_EQ(tape.save(context_, x), tape.save(context_, x)) << "while the first one lives";
  const auto saved = tape.save(context_, x);
  EXPECT_EQ(saved, tape.save(context_, x));

  const ops::Tensor twice = buffers_.make(3, 8);
  tape.derive(twice, [saved](const ops::Context& context, const ops::Tensor& out) {
    const ops::Tensor from = saved->restore(context);
    for (int64_t i = 0; i < out.size(); ++i) out.data()[i] = 2.0F * from.data()[i];
  });
  tape.change(twice, [](const ops::Context& /*context*/, const ops::Tensor& out) {
    for (float& value : out.values()) value += 1.0F;
  });
  const ops::Tensor again = tape.save(context_, twice)->restore(context_);
  EXPECT_EQ(again.key(), twice.key());
  for (int64_t i = 0; i < x.size(); ++i) EXPECT_NEAR(again.data()[i], 2.0F * x.data()[i] + 1.0F, 1e-2);
}

TEST_F(SavedTensorsTest, ATapeThatIsNotCompactKeepsTheNumbersThemselves) {
  Tape tape(buffers_);
  const ops::Tensor x = random(3, 8, 1.0F);
  tape.derive(x, [](const ops::Context& /*context*/, const ops::Tensor& /*out*/) { FAIL() << "not asked for"; });
  EXPECT_EQ(tape.save(context_, x)->restore(context_).data(), x.data());
}

}  // namespace
}  // namespace patina::autograd
