#include "train/run_history.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"

namespace patina::train {

RunHistory read_history(const std::filesystem::path& log) {
  std::ifstream file(log);
  if (!file) fail(ErrorKind::kIo, "cannot read the log {}", log.string());
  RunHistory history;
  for (std::string line; std::getline(file, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("step") || !json["step"].is_number_unsigned()) continue;
    const auto step = json["step"].get<uint64_t>();
    const auto add = [&](const char* key, std::vector<LossPoint>& points) {
      const auto found = json.find(key);
      if (found != json.end() && found->is_number()) points.push_back({step, found->get<double>()});
    };
    add("loss", history.steps);
    add("learning_rate", history.rates);
    add("eval_loss", history.evaluations);
  }
  return history;
}

std::vector<LossPoint> smoothed(const std::vector<LossPoint>& points) {
  constexpr double kKeep = 0.9;
  std::vector<LossPoint> result;
  double sum = 0;
  double weight = 0;
  for (const LossPoint& point : points) {
    sum = kKeep * sum + point.loss;
    weight = kKeep * weight + 1;
    result.push_back({point.step, sum / weight});
  }
  return result;
}

}  // namespace patina::train
