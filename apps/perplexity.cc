#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/direct_pass.h"
#include "apps/flags_runtime.h"
#include "apps/text.h"
#include "base/error.h"
#include "platform/signals.h"

namespace patina::apps {

namespace {

constexpr int64_t kDefaultChunk = 512;
// Rows of logits held at once: a vocabulary of 262,144 makes each a MiB.
constexpr int64_t kLogitRows = 64;

struct Flags {
  RuntimeFlags runtime;
  std::string file;
  int64_t max_chunks = -1;
};

// -log of the probability that the softmax of `logits` gives to `target`.
double surprise(std::span<const float> logits, int32_t target) {
  const double best = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - best);
  return best + std::log(sum) - static_cast<double>(logits[static_cast<size_t>(target)]);
}

// The usual measure: the text is cut into chunks that each begin afresh, and the second half of each chunk counts.
class Measure {
 public:
  Measure(const engine::Runtime& runtime, int64_t chunk) : pass_(runtime, chunk), chunk_(chunk) {}

  void add_chunk(std::span<const int32_t> tokens) {
    pass_.rewind(0);
    for (int64_t begin = 0; begin < chunk_; begin += kPassTokens) {
      const int64_t count = std::min(kPassTokens, chunk_ - begin);
      // Counted rows predict tokens of this chunk: from its middle to the last but one.
      std::vector<int32_t> rows;
      for (int64_t i = 0; i < count; ++i) {
        if (begin + i >= chunk_ / 2 && begin + i < chunk_ - 1) rows.push_back(static_cast<int32_t>(i));
      }
      const tensor::Tensor hidden =
          pass_.hidden(tokens.subspan(static_cast<size_t>(begin), static_cast<size_t>(count)), rows);
      if (!rows.empty()) add_rows(hidden, tokens.subspan(static_cast<size_t>(begin + rows.front() + 1)));
    }
  }

  double perplexity() const { return std::exp(mean()); }
  // The standard error of the perplexity, from that of the mean.
  double error() const {
    const double variance = squares_ / static_cast<double>(count_) - mean() * mean();
    if (variance <= 0 || count_ < 2) return 0;
    return std::sqrt(variance / static_cast<double>(count_ - 1)) * perplexity();
  }

 private:
  double mean() const { return sum_ / static_cast<double>(count_); }

  // `targets[i]` is the token that row i predicts.
  void add_rows(const tensor::Tensor& hidden, std::span<const int32_t> targets) {
    for (int64_t begin = 0; begin < hidden.rows(); begin += kLogitRows) {
      const int64_t count = std::min(kLogitRows, hidden.rows() - begin);
      const tensor::Tensor logits = pass_.logits(hidden.rows_view(begin, count));
      const auto width = static_cast<size_t>(logits.cols());
      std::vector<double> losses(static_cast<size_t>(count));
      pass_.context().parallel(count, 1, logits.size(), [&](int64_t first, int64_t last, int /*worker*/) {
        for (int64_t i = first; i < last; ++i) {
          losses[static_cast<size_t>(i)] = surprise({logits.row(i), width}, targets[static_cast<size_t>(begin + i)]);
        }
      });
      for (const double loss : losses) {
        sum_ += loss;
        squares_ += loss * loss;
        ++count_;
      }
    }
  }

  DirectPass pass_;
  int64_t chunk_;
  double sum_ = 0;
  double squares_ = 0;
  int64_t count_ = 0;
};

std::vector<int32_t> read_tokens(const tokenizer::Tokenizer& tokenizer, const std::string& file, int64_t chunk) {
  std::vector<int32_t> tokens = tokenizer.encode(read_text_file(file), {.parse_special = false});
  if (tokenizer.adds_eos() && !tokens.empty()) tokens.pop_back();
  if (static_cast<int64_t>(tokens.size()) < chunk) {
    fail(ErrorKind::kInvalidArgument,
         "{} has {} tokens, fewer than one chunk of {}; give a longer text or a smaller -c", file, tokens.size(),
         chunk);
  }
  return tokens;
}

void measure(const engine::Runtime& runtime, const Flags& flags, const LogSink& log) {
  const int64_t chunk = runtime.context_length();
  const tokenizer::Tokenizer& tokenizer = runtime.tokenizer();
  std::vector<int32_t> tokens = read_tokens(tokenizer, flags.file, chunk);
  int64_t chunks = static_cast<int64_t>(tokens.size()) / chunk;
  if (flags.max_chunks > 0) chunks = std::min(chunks, flags.max_chunks);
  patina::log(log, LogLevel::kInfo, fmt::format("{} tokens, {} chunks of {}", tokens.size(), chunks, chunk));

  Measure measure(runtime, chunk);
  const platform::InterruptGuard interrupt;
  for (int64_t i = 0; i < chunks; ++i) {
    if (interrupt.requested()) fail(ErrorKind::kInterrupted, "stopped after {} of {} chunks", i, chunks);
    const auto begin = static_cast<size_t>(i * chunk);
    if (tokenizer.adds_bos()) tokens[begin] = tokenizer.bos();
    measure.add_chunk(std::span(tokens).subspan(begin, static_cast<size_t>(chunk)));
    patina::log(log, LogLevel::kInfo, fmt::format("[{}/{}] {:.4f}", i + 1, chunks, measure.perplexity()));
  }
  if (!std::isfinite(measure.perplexity())) {
    fail(ErrorKind::kInvalidData, "{} gives the text no probability; its file may be damaged, download it again",
         runtime.model_name());
  }
  fmt::print("Final estimate: PPL = {:.4f} +/- {:.5f}\n", measure.perplexity(), measure.error());
}

}  // namespace

int run_perplexity(const Invocation& call) {
  Flags flags;
  flags.runtime.context.size = kDefaultChunk;
  CommandLine line(call, "Measures how well a model predicts a text: the lower the better.");
  add_runtime_flags(line, flags.runtime, false);
  line.flag("--ctx-size")
      .describe(
          fmt::format("tokens of a chunk, of whose second half the predictions count (default {})", kDefaultChunk))
      .between(4, engine::kMostContext);
  line.add("-f,--file", flags.file, "FILE", "the text; -: the standard input").required();
  line.add("--chunks", flags.max_chunks, "N", "measure only the first N chunks; -1: all");
  if (!line.parse()) return kExitSuccess;
  const auto runtime = engine::Runtime::open(flags.runtime.options(), line.log());
  measure(*runtime, flags, line.log());
  return kExitSuccess;
}

}  // namespace patina::apps
