#include "train/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "train/duration.h"

namespace patina::train {
namespace {

struct Part {
  std::string text;
  size_t columns;
};

Part ascii(std::string text) {
  const size_t columns = text.size();
  return {std::move(text), columns};
}

}  // namespace

std::string sparkline(std::span<const double> values, size_t columns) {
  constexpr std::array<std::string_view, 8> kBlocks = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::vector<double> means;
  const size_t count = std::min(columns, values.size());
  for (size_t i = 0; i < count; ++i) {
    const size_t begin = i * values.size() / count;
    const size_t end = (i + 1) * values.size() / count;
    const auto part = values.subspan(begin, end - begin);
    means.push_back(std::accumulate(part.begin(), part.end(), 0.0) / static_cast<double>(part.size()));
  }
  if (means.empty()) return {};
  const auto [low, high] = std::ranges::minmax(means);
  std::string line;
  for (const double mean : means) {
    const double height = high > low ? (mean - low) / (high - low) : 0;
    line += kBlocks[static_cast<size_t>(std::lround(height * static_cast<double>(kBlocks.size() - 1)))];
  }
  return line;
}

std::string progress_line(const StepRecord& record, double seconds_left, size_t width, const ProgressExtras& extras) {
  constexpr size_t kBarColumns = 24;
  constexpr size_t kSparkColumns = 16;
  const uint64_t done = record.steps > 0 ? std::min(record.step, record.steps) * kBarColumns / record.steps : 0;
  const Part bar = {fmt::format("[{}{}] ", std::string(done, '='), std::string(kBarColumns - done, ' ')),
                    kBarColumns + 3};
  const size_t columns = std::min(kSparkColumns, extras.losses.size());
  const Part spark = {columns > 0 ? sparkline(extras.losses, kSparkColumns) + " " : "", columns > 0 ? columns + 1 : 0};
  const Part memory = ascii(
      extras.memory_bytes > 0 ? fmt::format("  {:.1f} GiB", static_cast<double>(extras.memory_bytes) * 0x1p-30) : "");
  const std::string preferred =
      record.preference.pairs > 0 ? fmt::format(" preferred {:.0f} % ", 100 * record.preference.share_preferred()) : "";
  const Part begin = ascii(fmt::format("epoch {}/{}  step {}/{}  loss {:.4f} {}", record.epoch, record.epochs,
                                       record.step, record.steps, record.loss, preferred));
  const Part rate = ascii(fmt::format(" {:.1f} tokens/s", record.tokens_per_second()));
  const Part left = ascii(fmt::format("  {} left", duration_text(seconds_left)));
  const std::array<std::vector<Part>, 4> choices = {{{bar, begin, spark, rate, memory, left},
                                                     {begin, spark, rate, memory, left},
                                                     {begin, rate, memory, left},
                                                     {begin, rate, left}}};
  for (const std::vector<Part>& parts : choices) {
    size_t total = 0;
    std::string line;
    for (const Part& part : parts) {
      total += part.columns;
      line += part.text;
    }
    if (total <= width) return line;
  }
  return (begin.text + rate.text + left.text).substr(0, width);
}

}  // namespace patina::train
