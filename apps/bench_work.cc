#include "apps/bench_work.h"

#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "apps/direct_pass.h"
#include "kernels/matmul.h"
#include "model/model.h"
#include "quant/dtype.h"

namespace patina::apps {

namespace {

// Multiply-adds of one token (or row of logits) with some matrices.
struct Products {
  double int8 = 0;
  double int8_back = 0;  // of these, what comes back in 8 bits, too
  double f32 = 0;

  void add(quant::DType type, bool floats, int64_t rows, int64_t cols) {
    const double products = static_cast<double>(rows) * static_cast<double>(cols);
    (floats ? f32 : int8) += products;
    if (!floats && kernels::backward_in_bytes(type)) int8_back += products;
  }
};

struct ModelWork {
  Products token;  // of a token
  Products row;    // of a token whose logits are wanted, besides

  PassWork pass(int64_t passes, int64_t weight_bytes, int64_t tokens, int64_t rows) const {
    const auto t = static_cast<double>(tokens);
    const auto r = static_cast<double>(rows);
    return {.passes = static_cast<double>(passes),
            .weight_bytes = static_cast<double>(weight_bytes),
            .int8_products = t * token.int8 + r * row.int8,
            .int16_products = 0,
            .f32_products = t * token.f32 + r * row.f32};
  }
};

ModelWork model_work(const engine::Runtime& runtime) {
  tensor::BufferPool buffers;
  const bool precise = runtime.make_context(buffers).precise;
  const auto in_floats = [&](quant::DType type) { return precise || quant::is_float(type); };
  const model::Model& model = runtime.model();
  ModelWork work;
  const std::string last_feed_forward = fmt::format("blk.{}.ffn_", model.hyper().layers - 1);
  for (const adapter::LinearSite& site : model.sites()) {
    if (site.kind != adapter::SiteKind::kLayer) continue;
    const quant::DType type = model.file().require(site.name + ".weight").type;
    (site.name.starts_with(last_feed_forward) ? work.row : work.token).add(type, in_floats(type), site.out, site.in);
  }
  const ops::PackedMatrix& output = model.output_matrix();
  work.row.add(output.type(), in_floats(output.type()), output.rows(), output.cols());
  return work;
}

}  // namespace

std::vector<PassWork> work_of(const engine::Runtime& runtime, const BenchTest& test) {
  const ModelWork model = model_work(runtime);
  const int64_t all = runtime.model().weight_bytes();
  if (test.train > 0) {
    // Forward, and back through every matrix; what goes forward in 8 bits comes back in 8 or 16.
    const auto tokens = static_cast<double>(test.train);
    const double bytes_back = model.token.int8_back + model.row.int8_back;
    const PassWork back{.passes = 1,
                        .weight_bytes = static_cast<double>(all),
                        .int8_products = tokens * bytes_back,
                        .int16_products = tokens * (model.token.int8 + model.row.int8 - bytes_back),
                        .f32_products = tokens * (model.token.f32 + model.row.f32)};
    return {model.pass(1, all, test.train, test.train), back};
  }
  const int64_t rest = test.prompt % kPassTokens;
  return {model.pass(test.prompt / kPassTokens, all, kPassTokens, 1), model.pass(rest > 0 ? 1 : 0, all, rest, 1),
          model.pass(test.generate, runtime.read_bytes(test.sequences), test.sequences, test.sequences)};
}

std::optional<WorkBound> bound_of(const std::vector<PassWork>& work, const measure::MachineLimits& limits) {
  const auto seconds = [](double amount, double rate) { return amount > 0 ? amount / rate : 0; };
  WorkBound reading{0, "bandwidth"};
  std::array<WorkBound, 3> multiplying{{{0, "int8"}, {0, "int16"}, {0, "f32"}}};
  for (const PassWork& pass : work) {
    if (pass.passes == 0) continue;
    if (pass.weight_bytes > 0 && limits.read_bandwidth == 0) return {};
    const std::array<std::pair<double, double>, 3> products{{{pass.int8_products, limits.int8_peak},
                                                             {pass.int16_products, limits.int16_peak},
                                                             {pass.f32_products, limits.f32_peak}}};
    double arithmetic = 0;
    for (const auto& [amount, peak] : products) {
      if (amount > 0 && peak == 0) return {};
      arithmetic += seconds(amount, peak);
    }
    const double memory = seconds(pass.weight_bytes, limits.read_bandwidth);
    if (memory > arithmetic) {
      reading.seconds += pass.passes * memory;
    } else {
      for (size_t i = 0; i < products.size(); ++i) {
        multiplying[i].seconds += pass.passes * seconds(products[i].first, products[i].second);
      }
    }
  }
  WorkBound longest = reading;
  double total = reading.seconds;
  for (const WorkBound& one : multiplying) {
    total += one.seconds;
    if (one.seconds > longest.seconds) longest = one;
  }
  return WorkBound{total, longest.by};
}

}  // namespace patina::apps
