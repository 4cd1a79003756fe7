#include "train/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "train/duration.h"

namespace patina::train {

std::string progress_line(const StepRecord& record, double seconds_left, size_t width) {
  constexpr size_t kBarColumns = 24;
  const std::string text =
      fmt::format("epoch {}/{}  step {}/{}  loss {:.4f}  {:.1f} tokens/s  {} left", record.epoch, record.epochs,
                  record.step, record.steps, record.loss, record.tokens_per_second(), duration_text(seconds_left));
  if (text.size() + kBarColumns + 3 > width) return text.substr(0, width);
  const uint64_t done = record.steps > 0 ? std::min(record.step, record.steps) * kBarColumns / record.steps : 0;
  return fmt::format("[{}{}] {}", std::string(done, '='), std::string(kBarColumns - done, ' '), text);
}

}  // namespace patina::train
