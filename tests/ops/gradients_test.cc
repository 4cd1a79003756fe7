#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/levels.h"
#include "ops/attention.h"
#include "ops/cross_entropy.h"
#include "ops/embedding.h"
#include "ops/gated_activation.h"
#include "ops/gradient_check.h"
#include "ops/linear.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/rows.h"

namespace patina::ops {
namespace {

TEST_F(OpsTest, GradientOfRmsNorm) {
  const std::vector<float> weight = {1.5F, -0.5F, 0.25F, 2.0F, 1.0F, 0.0F, 3.0F, -1.0F};
  expect_gradients({random(3, 16)}, [&](Context& context, const std::vector<Tensor>& x) {
    return rms_norm(context, x[0], weight.data(), 1e-5F, 8);
  });
}

TEST_F(OpsTest, GradientOfGatedActivations) {
  for (const Activation activation : {Activation::kSilu, Activation::kGelu}) {
    expect_gradients({random(3, 21), random(3, 21)}, [&](Context& context, const std::vector<Tensor>& x) {
      return gated_activation(context, x[0], x[1], activation);
    });
  }
}

TEST_F(OpsTest, GradientOfSumsAndGatheredRows) {
  expect_gradients({random(4, 9), random(4, 9)}, [](Context& context, const std::vector<Tensor>& x) {
    const std::vector<int32_t> rows = {2, 0, 2};
    return gather_rows(context, add(context, x[0], add(context, x[1], x[0])), rows);
  });
}

TEST_F(OpsTest, GradientOfRotation) {
  const std::vector<float> frequencies = {1.0F, 0.3F, 0.1F};
  const std::vector<int64_t> positions = {0, 5, 17};
  for (const auto layout : {kernels::RopeLayout::kNorm, kernels::RopeLayout::kNeox}) {
    expect_gradients({random(3, 16), random(3, 16)}, [&](Context& context, const std::vector<Tensor>& x) {
      // The rotation is in place: of a sum, whose own backward does not need it.
      Tensor sum = add(context, x[0], x[1]);
      rope(context, sum, 8, rope_angles(context, {frequencies, layout}, positions));
      return sum;
    });
  }
}

Segment part(int64_t begin, int64_t count) { return {.begin = begin, .count = count, .position = 0, .cache = {}}; }
// Goes on from the first `position` rows of the segment that begins at `shared`.
Segment branch(int64_t begin, int64_t count, int64_t shared, int64_t position) {
  return {.begin = begin, .count = count, .position = position, .cache = {}, .shared = shared};
}

struct AttentionCase {
  AttentionShape shape;
  std::vector<Segment> segments;
};

class AttentionTest : public OpsTest, public testing::WithParamInterface<AttentionCase> {
 protected:
  // The definition, in double.
  static void expect_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionCase& test,
                               const Tensor& out) {
    const auto& [shape, segments] = test;
    for (const Segment& segment : segments) {
      for (int64_t t = 0; t < segment.count; ++t) {
        for (int64_t h = 0; h < shape.heads; ++h) expect_row(q, k, v, shape, segment, t, h, out);
      }
    }
  }

 private:
  static void expect_row(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionShape& shape,
                         const Segment& segment, int64_t t, int64_t h, const Tensor& out) {
    const int64_t kv = h / (shape.heads / shape.kv_heads);
    const auto head = [&](const Tensor& x, int64_t row, int64_t index) { return x.row(row) + index * shape.head_dim; };
    const auto row_of = [&](int64_t position) {
      return position < segment.position ? segment.shared + position : segment.begin + position - segment.position;
    };
    const int64_t row = segment.begin + t;
    const int64_t last = segment.position + t;
    std::vector<double> sums(static_cast<size_t>(shape.head_dim));
    double total = 0;
    for (int64_t s = shape.window > 0 ? std::max<int64_t>(0, last - shape.window + 1) : 0; s <= last; ++s) {
      double score = 0;
      for (int64_t i = 0; i < shape.head_dim; ++i)
        score += static_cast<double>(head(q, row, h)[i]) * head(k, row_of(s), kv)[i];
      const double weight = std::exp(score * shape.scale);
      total += weight;
      for (int64_t i = 0; i < shape.head_dim; ++i) sums[static_cast<size_t>(i)] += weight * head(v, row_of(s), kv)[i];
    }
    for (int64_t i = 0; i < shape.head_dim; ++i) {
      EXPECT_NEAR(head(out, row, h)[i], sums[static_cast<size_t>(i)] / total, 2e-5);
    }
  }
};

TEST_P(AttentionTest, EqualsItsDefinition) {
  const AttentionCase& test = GetParam();
  const int64_t rows = test.segments.back().begin + test.segments.back().count;
  const Tensor q = random(rows, test.shape.heads * test.shape.head_dim);
  const Tensor k = random(rows, test.shape.kv_heads * test.shape.head_dim);
  const Tensor v = random(rows, test.shape.kv_heads * test.shape.head_dim);
  expect_attention(q, k, v, test, attention(context_, q, k, v, test.shape, test.segments));
}

TEST_P(AttentionTest, GradientsOfQueriesKeysAndValues) {
  const AttentionCase& test = GetParam();
  const int64_t rows = test.segments.back().begin + test.segments.back().count;
  expect_gradients(
      {random(rows, test.shape.heads * test.shape.head_dim), random(rows, test.shape.kv_heads * test.shape.head_dim),
       random(rows, test.shape.kv_heads * test.shape.head_dim)},
      [&](Context& context, const std::vector<Tensor>& x) {
        return attention(context, x[0], x[1], x[2], test.shape, test.segments);
      });
}

// One thread takes whole key heads, many share tiles of them.
TEST_P(AttentionTest, GradientsHaveTheSameBitsWithAnyNumberOfThreads) {
  const AttentionCase& test = GetParam();
  const int64_t rows = test.segments.back().begin + test.segments.back().count;
  const int64_t width = test.shape.kv_heads * test.shape.head_dim;
  const std::vector<Tensor> inputs = {random(rows, test.shape.heads * test.shape.head_dim), random(rows, width),
                                      random(rows, width)};
  const Tensor gradient = random(rows, inputs[0].cols());
  const auto gradients = [&](int threads) {
    ThreadPool pool(threads);
    autograd::Tape tape(buffers_);
    Context context{.pool = pool, .kernels = context_.kernels, .buffers = buffers_, .recorder = &tape};
    const Tensor out = attention(context, inputs[0], inputs[1], inputs[2], test.shape, test.segments);
    context.recorder = nullptr;
    tape.backward(context, out, copy(gradient));
    std::vector<float> all;
    for (const Tensor& x : inputs) {
      const Tensor of_input = tape.gradient(x);
      all.insert(all.end(), of_input.values().begin(), of_input.values().end());
    }
    return all;
  };
  EXPECT_EQ(gradients(1), gradients(41));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, AttentionTest,
    testing::Values(AttentionCase{{.heads = 2, .kv_heads = 2, .head_dim = 8, .scale = 0.3F}, {part(0, 5)}},
                    AttentionCase{{.heads = 6, .kv_heads = 2, .head_dim = 16, .scale = 0.25F},
                                  {part(0, 70), part(70, 1), part(71, 9)}},
                    AttentionCase{{.heads = 4, .kv_heads = 1, .head_dim = 8, .scale = 0.3F, .window = 4},
                                  {part(0, 11), part(11, 150)}},
                    AttentionCase{{.heads = 3, .kv_heads = 3, .head_dim = 6, .scale = 0.4F, .window = 70},
                                  {part(0, 140)}},
                    AttentionCase{{.heads = 4, .kv_heads = 2, .head_dim = 8, .scale = 0.3F},
                                  {part(0, 90), branch(90, 7, 0, 70), part(97, 20), branch(117, 80, 0, 64),
                                   branch(197, 1, 97, 20), branch(198, 66, 97, 3)}},
                    AttentionCase{{.heads = 2, .kv_heads = 1, .head_dim = 8, .scale = 0.3F, .window = 20},
                                  {part(0, 100), branch(100, 40, 0, 75), branch(140, 9, 0, 2)}},
                    AttentionCase{{.heads = 134, .kv_heads = 2, .head_dim = 4, .scale = 0.4F}, {part(0, 20)}}));

// A sequence with a cache that reads its rows a few at a time.
class CachedAttention {
 public:
  CachedAttention(const std::array<Tensor, 3>& qkv, const AttentionShape& shape, quant::DType type)
      : qkv_(qkv), shape_(shape), type_(type) {
    half_ = shape.kv_heads * kKvBlockTokens * quant::row_bytes(type, shape.head_dim);
    memory_.resize(static_cast<size_t>(qkv[0].rows() / kKvBlockTokens + 1));
    for (std::vector<std::byte>& block : memory_) {
      block.resize(static_cast<size_t>(2 * half_));
      blocks_.push_back(block.data());
    }
  }

  // The rows [begin, begin + count).
  Tensor read(Context& context, int64_t begin, int64_t count) {
    const KvLayer cache{.blocks = blocks_, .keys = {0, type_}, .values = {half_, type_}};
    const std::vector<Segment> piece = {{.begin = 0, .count = count, .position = begin, .cache = cache}};
    return attention(context, qkv_[0].rows_view(begin, count), qkv_[1].rows_view(begin, count),
                     qkv_[2].rows_view(begin, count), shape_, piece);
  }

 private:
  std::array<Tensor, 3> qkv_;
  AttentionShape shape_;
  quant::DType type_;
  int64_t half_;
  std::vector<std::vector<std::byte>> memory_;
  std::vector<std::byte*> blocks_;
};

// Attention over a cache that is filled in pieces, against attention to everything at once.
void expect_pieces_equal_whole(Context& context, const std::array<Tensor, 3>& qkv, const AttentionShape& shape,
                               quant::DType type, double tolerance) {
  const auto& [q, k, v] = qkv;
  const std::vector<Segment> whole = {part(0, q.rows())};
  const Tensor expected = attention(context, q, k, v, shape, whole);
  CachedAttention cached(qkv, shape, type);
  constexpr std::array<int64_t, 5> kCounts = {61, 1, 8, 3, 30};
  size_t read = 0;
  for (int64_t begin = 0; begin < q.rows(); ++read) {
    const int64_t count = std::min(kCounts[read % kCounts.size()], q.rows() - begin);
    const Tensor out = cached.read(context, begin, count);
    for (int64_t i = 0; i < out.size(); ++i) ASSERT_NEAR(out.data()[i], expected.row(begin)[i], tolerance);
    begin += count;
  }
}

TEST_F(OpsTest, AttentionGivesTheSameBitsWithAnyNumberOfThreads) {
  const AttentionShape shape{.heads = 8, .kv_heads = 2, .head_dim = 16, .scale = 0.35F, .window = 0};
  const std::array<Tensor, 3> qkv = {random(520, 128), random(520, 32), random(520, 32)};
  ThreadPool many(5);
  ThreadPool alone(1);
  for (const bool precise : {false, true}) {
    const auto with = [&](ThreadPool& pool) {
      return Context{
          .pool = pool, .kernels = context_.kernels, .buffers = buffers_, .recorder = nullptr, .precise = precise};
    };
    Context context = with(many);
    Context single = with(alone);
    CachedAttention one(qkv, shape, quant::DType::kF16);
    CachedAttention other(qkv, shape, quant::DType::kF16);
    for (const auto& [begin, count] : {std::pair<int64_t, int64_t>{0, 500}, {500, 1}, {501, 8}, {509, 11}}) {
      const Tensor a = one.read(single, begin, count);
      const Tensor b = other.read(context, begin, count);
      for (int64_t i = 0; i < a.size(); ++i) ASSERT_EQ(a.data()[i], b.data()[i]) << "row " << begin << " element " << i;
    }
  }
}

TEST_F(OpsTest, FewRowsOfACacheGiveTheBitsOfEachAlone) {
  struct Kind {
    quant::DType type;
    int64_t dim;
    bool precise;
  };
  for (const auto& [type, dim, precise] : {Kind{quant::DType::kF16, 16, true}, Kind{quant::DType::kF16, 80, false},
                                           Kind{quant::DType::kQ8_0, 96, true}, Kind{quant::DType::kQ8_0, 96, false}}) {
    context_.precise = precise;
    const AttentionShape shape{.heads = 4, .kv_heads = 1, .head_dim = dim, .scale = 0.35F, .window = 140};
    const std::array<Tensor, 3> qkv = {random(400, 4 * dim), random(400, dim), random(400, dim)};
    CachedAttention together(qkv, shape, type);
    CachedAttention alone(qkv, shape, type);
    for (CachedAttention* cached : {&together, &alone}) cached->read(context_, 0, 250);
    for (int64_t begin = 250; begin + kFewRows <= 400; begin += kFewRows) {
      const Tensor expected = together.read(context_, begin, kFewRows);
      for (int64_t t = 0; t < kFewRows; ++t) {
        const Tensor row = alone.read(context_, begin + t, 1);
        for (int64_t i = 0; i < row.size(); ++i) ASSERT_EQ(row.data()[i], expected.row(t)[i]) << "row " << begin + t;
      }
    }
  }
}

TEST_F(OpsTest, AttentionWithACacheInPiecesEqualsAttentionAtOnce) {
  const AttentionShape shape{.heads = 4, .kv_heads = 2, .head_dim = 8, .scale = 0.35F, .window = 90};
  const std::array<Tensor, 3> qkv = {random(450, 32), random(450, 16), random(450, 16)};
  for (const Tensor& x : {qkv[1], qkv[2]}) {  // values that f16 holds exactly
    for (float& value : x.values()) value = std::round(value * 64) / 64;
  }
  expect_pieces_equal_whole(context_, qkv, shape, quant::DType::kF16, 1e-5);
}

TEST_F(OpsTest, AttentionWithACacheRoundsAsItsKernelsDoUnlessPrecise) {
  const AttentionShape shape{.heads = 4, .kv_heads = 2, .head_dim = 16, .scale = 0.35F, .window = 0};
  const std::array<Tensor, 3> qkv = {random(90, 64), random(90, 32), random(90, 32)};
  const kernels::Kernels& exact = kernels::kernels_for(kernels::Level::kScalar);
  kernels::Kernels rounding = exact;
  rounding.kv_tile = kernels::kKvTileScalarBf16;
  const auto read = [&](const kernels::Kernels& with, bool precise) {
    Context context{.pool = pool_, .kernels = with, .buffers = buffers_, .recorder = nullptr, .precise = precise};
    CachedAttention cached(qkv, shape, quant::DType::kF16);
    const Tensor out = cached.read(context, 0, 90);
    return std::vector<float>(out.values().begin(), out.values().end());
  };
  const std::vector<float> expected = read(exact, true);
  EXPECT_EQ(read(rounding, true), expected);
  const std::vector<float> rounded = read(rounding, false);
  EXPECT_NE(rounded, expected);
  EXPECT_THAT(rounded, ::testing::Pointwise(::testing::FloatNear(2e-2F), expected));
}

TEST_F(OpsTest, AttentionTakesACacheOfEightBits) {
  const AttentionShape shape{.heads = 4, .kv_heads = 2, .head_dim = 64, .scale = 0.125F, .window = 0};
  const std::array<Tensor, 3> qkv = {random(300, 256), random(300, 128), random(300, 128)};
  for (const Tensor& x : {qkv[1], qkv[2]}) {  // values that blocks with a scale of 1/64 hold exactly
    for (int64_t i = 0; i < x.size(); ++i) {
      float& value = x.data()[i];
      value = i % 32 == 0 ? 127.0F / 64 : std::clamp(std::round(value * 64), -127.0F, 127.0F) / 64;
    }
  }
  expect_pieces_equal_whole(context_, qkv, shape, quant::DType::kQ8_0, 1e-5);
}

// A matrix of f32 weights, packed.
PackedMatrix pack(ThreadPool& pool, const Tensor& weights) {
  return {pool, quant::DType::kF32, std::as_bytes(weights.values()), weights.rows(), weights.cols()};
}

TEST_F(OpsTest, GradientsOfLinearLayersAndTheirAdapters) {
  const PackedMatrix first = pack(pool_, random(19, 32));
  const PackedMatrix second = pack(pool_, random(19, 32));
  const std::vector<float> bias(19, 0.5F);
  expect_gradients({random(5, 32), random(4, 32), random(19, 4), random(3, 32), random(19, 3)},
                   [&](Context& context, const std::vector<Tensor>& x) {
                     const std::vector<LoraTerm> terms = {{.a = x[1], .b = x[2], .scale = 0.7F}};
                     const std::vector<LoraTerm> dropping = {
                         {.a = x[3], .b = x[4], .scale = 0.5F, .dropout = 0.3F, .dropout_seed = 11}};
                     const std::vector<Linear> layers = {{&first, bias.data(), terms}, {&second, nullptr, dropping}};
                     const std::vector<Tensor> y = linear(context, x[0], layers);
                     return add(context, y[0], y[1]);
                   });
}

TEST_F(OpsTest, GradientsOfTermsOfEmbeddings) {
  const Tensor table = random(20, 32, false);
  const std::vector<int32_t> ids = {3, 19, 3, 0, 7};
  expect_gradients({random(4, 32), random(20, 4), random(3, 32), random(20, 3, false)},
                   [&](Context& context, const std::vector<Tensor>& x) {
                     const std::vector<LoraTerm> terms = {{.a = x[0], .b = x[1], .scale = 0.7F},
                                                          {.a = x[2], .b = x[3], .scale = -0.4F}};
                     const EmbeddingTable embeddings{quant::DType::kF32, std::as_bytes(table.values()), 32, terms};
                     return embed(context, embeddings, ids, 1.5F);
                   });
}

TEST_F(OpsTest, LossAndItsGradientByDifferences) {
  const PackedMatrix matrix = pack(pool_, random(50, 32));
  const Linear output{.weight = &matrix, .bias = nullptr, .adapters = {}};
  const Tensor hidden = random(13, 32);
  std::vector<int32_t> targets;
  std::vector<float> weights;
  for (int i = 0; i < 13; ++i) {
    targets.push_back(i * 7 % 50);
    weights.push_back(i % 4 == 0 ? 0.0F : 0.5F);
  }
  const CrossEntropy result = cross_entropy(context_, hidden, output, targets, weights, {.wanted = true});
  for (int64_t i = 0; i < hidden.size(); i += 29) {
    const float kept = hidden.data()[i];
    hidden.data()[i] = kept + 1e-2F;
    const double above = cross_entropy(context_, hidden, output, targets, weights, {}).loss;
    hidden.data()[i] = kept - 1e-2F;
    const double below = cross_entropy(context_, hidden, output, targets, weights, {}).loss;
    hidden.data()[i] = kept;
    EXPECT_NEAR(result.dhidden.data()[i], (above - below) / 2e-2, 3e-3) << i;
  }
}

// The loss of rows that take more than one chunk, by an output layer with terms, and what is changed in turn.
class OutputTermsTest : public OpsTest {
 protected:
  OutputTermsTest() {
    for (int i = 0; i < hidden_.rows(); ++i) {
      targets_.push_back(i * 7 % 50);
      weights_.push_back(i % 4 == 0 ? 0.0F : 0.5F);
    }
  }

  CrossEntropy loss(CrossEntropyGradients gradients) {
    context_.recorder = &recorder_;  // elements are dropped
    const Linear output{.weight = &matrix_, .bias = nullptr, .adapters = terms_};
    CrossEntropy result = cross_entropy(context_, hidden_, output, targets_, weights_, gradients);
    EXPECT_EQ(std::exchange(context_.recorder, nullptr), &recorder_);
    return result;
  }

  void expect_differences(const Tensor& input, const Tensor& gradient) {
    ASSERT_TRUE(gradient);
    constexpr float kStep = 1e-2F;
    double largest = 0;
    for (const float value : gradient.values()) largest = std::max(largest, std::fabs(double{value}));
    EXPECT_GT(largest, 0.1);
    for (int64_t i = 0; i < input.size(); i += input.size() / 11) {
      const float kept = input.data()[i];
      input.data()[i] = kept + kStep;
      const double above = loss({}).loss;
      input.data()[i] = kept - kStep;
      const double below = loss({}).loss;
      input.data()[i] = kept;
      EXPECT_NEAR(gradient.data()[i], (above - below) / (2.0 * kStep), 2e-2 * largest) << i;
    }
  }

  autograd::Tape recorder_{buffers_};
  PackedMatrix matrix_ = pack(pool_, random(50, 32));
  Tensor hidden_ = random(140, 32);
  std::vector<LoraTerm> terms_ = {
      {.a = random(4, 32), .b = random(50, 4), .scale = 0.3F, .dropout = 0.3F, .dropout_seed = 11},
      {.a = random(3, 32, false), .b = random(50, 3, false), .scale = -0.2F}};
  std::vector<int32_t> targets_;
  std::vector<float> weights_;
};

TEST_F(OutputTermsTest, GradientsByDifferences) {
  autograd::Tape tape(buffers_);
  CrossEntropy result;
  tape.run([&](Gradients& gradients) { result = loss({.wanted = true, .parameters = &gradients}); });
  EXPECT_EQ(result.loss, loss({}).loss);
  expect_differences(hidden_, result.dhidden);
  expect_differences(terms_[0].a, tape.gradient(terms_[0].a));
  expect_differences(terms_[0].b, tape.gradient(terms_[0].b));
  EXPECT_FALSE(tape.gradient(terms_[1].b));
}

// Refuses the gradients of parameters.
class Refusing final : public Gradients {
 public:
  Tensor take(const Outline& /*result*/) override { return {}; }
  Tensor look(const Outline& /*result*/) override { return {}; }
  Tensor into(const Outline& /*input*/) override { throw std::runtime_error("no"); }
  void give(const Context& /*context*/, const Outline& /*input*/, Tensor /*gradient*/) override {}
};

TEST_F(OutputTermsTest, TheRecorderStaysWhereAGradientIsRefused) {
  Refusing refusing;
  context_.recorder = &recorder_;
  const Linear output{.weight = &matrix_, .bias = nullptr, .adapters = terms_};
  EXPECT_THROW(cross_entropy(context_, hidden_, output, targets_, weights_, {.wanted = true, .parameters = &refusing}),
               std::runtime_error);
  EXPECT_EQ(context_.recorder, &recorder_);
}

TEST_F(OutputTermsTest, NothingFlowsIntoHiddenStatesThatNeedNoGradient) {
  hidden_.set_needs_grad(false);
  autograd::Tape tape(buffers_);
  CrossEntropy result;
  tape.run([&](Gradients& gradients) { result = loss({.wanted = true, .parameters = &gradients}); });
  EXPECT_FALSE(result.dhidden);
  expect_differences(terms_[0].b, tape.gradient(terms_[0].b));
}

}  // namespace
}  // namespace patina::ops
