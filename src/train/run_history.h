#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace patina::train {

// A loss at some step.
struct LossPoint {
  uint64_t step;
  double loss;
};

// What the log of a run tells (StepLog), in the order of the steps.
struct RunHistory {
  std::vector<LossPoint> steps;
  std::vector<LossPoint> rates;  // learning rates, as points too
  std::vector<LossPoint> evaluations;
};

// Reads a log; lines that are not whole are left out. Throws kIo where the file cannot be read.
RunHistory read_history(const std::filesystem::path& log);

// The values smoothed: each the mean of it and those before, weighted by 0.9, 0.81 and so on.
std::vector<LossPoint> smoothed(const std::vector<LossPoint>& points);

}  // namespace patina::train
