#include "train/team.h"

#include <algorithm>

namespace patina::train {
namespace {

class Alone final : public Team {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  std::string name() const override { return "this process"; }
  void start_sum(std::span<const float> own, std::span<float> sum) override { std::ranges::copy(own, sum.begin()); }
  void start_sum(std::span<const double> own, std::span<double> sum) override { std::ranges::copy(own, sum.begin()); }
  void start_copy(std::span<std::byte> /*bytes*/) override {}
  bool advance() override { return true; }
  void leave() override {}
};

}  // namespace

Team& Team::alone() {
  static Alone alone;  // has no state
  return alone;
}

}  // namespace patina::train
