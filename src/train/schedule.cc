#include "train/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace patina::train {
namespace {

struct Named {
  ScheduleKind kind;
  std::string_view name;
};

constexpr std::array kNames = {Named{ScheduleKind::kConstant, "constant"}, Named{ScheduleKind::kLinear, "linear"},
                               Named{ScheduleKind::kCosine, "cosine"},
                               Named{ScheduleKind::kCosineRestarts, "cosine-restarts"},
                               Named{ScheduleKind::kWarmupStableDecay, "wsd"}};

double half_cosine(double progress) { return 0.5 * (1 + std::cos(std::numbers::pi * progress)); }

}  // namespace

std::optional<ScheduleKind> schedule_from_name(std::string_view name) {
  const auto* const found = std::ranges::find(kNames, name, &Named::name);
  return found == kNames.end() ? std::nullopt : std::optional(found->kind);
}

std::string_view schedule_name(ScheduleKind kind) { return std::ranges::find(kNames, kind, &Named::kind)->name; }

double Schedule::at(uint64_t step) const {
  if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (kind == ScheduleKind::kConstant) return peak;
  if (step >= steps) return minimum;
  const double progress = static_cast<double>(step - warmup) / static_cast<double>(steps - warmup);
  double height = 0;  // 1: the peak, 0: the minimum
  switch (kind) {
    case ScheduleKind::kConstant:
    case ScheduleKind::kCosine:
      height = half_cosine(progress);
      break;
    case ScheduleKind::kLinear:
      height = 1 - progress;
      break;
    case ScheduleKind::kCosineRestarts: {
      const double cycle = progress * static_cast<double>(cycles);
      height = half_cosine(cycle - std::floor(cycle));
      break;
    }
    case ScheduleKind::kWarmupStableDecay: {
      const double decay = std::floor(decay_share * static_cast<double>(steps));
      height = decay == 0 ? 1 : std::min(1.0, static_cast<double>(steps - step) / decay);
      break;
    }
  }
  return minimum + (peak - minimum) * height;
}

}  // namespace patina::train
