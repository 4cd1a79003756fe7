#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "autograd/tape.h"
#include "train/parameters.h"
#include "train/teamwork.h"

namespace patina::train {

// Sums the gradients of a step over a team while the step's last pass is still on its way back: in portions, each of
// them sent once the pass has come past all of its parameters. Portions go in the same order in every process, the last
// parameters first, as that is where a pass back begins. Each parameter is used once in a pass. A process for itself
// sums nothing. Not thread safe.
class GradientSum final : public autograd::PassWatch {
 public:
  static constexpr size_t kPortion = size_t{1} << 18;  // numbers: enough for the network's speed, about a layer's

  // Takes memory for all gradients twice where there is a team. What is referred to must outlive it. `portion`: the
  // least numbers of each but the last.
  GradientSum(Teamwork& work, const Parameters& parameters, size_t portion = kPortion);

  // Before the last pass of a step: from now on gradients are sent.
  void begin_last_pass() { last_pass_ = true; }
  // Sends what has not been sent, waits for all, and writes the sums in the gradients' place.
  void finish();

  // Of all steps: bytes that were handed over to be summed, and seconds in which nothing but waiting for sums was done.
  uint64_t bytes() const { return bytes_; }
  double seconds_waited() const { return seconds_waited_; }
  size_t portions() const { return portions_.size(); }

  void between_operations() override { work_.go_on(); }
  void on_gradient(const void* key) override;

 private:
  struct Portion {
    size_t first;  // parameter of the highest number
    size_t count;  // parameters, downward from it
    size_t begin;  // in own_ and sum_
    size_t size;
  };

  void make_portions(size_t least);
  void send_ready_ones();
  void send(const Portion& portion);

  Teamwork& work_;
  const Parameters& parameters_;
  std::unordered_map<const void*, size_t> numbers_;  // of parameters, by key
  std::vector<Portion> portions_;
  std::vector<float> own_;
  std::vector<float> sum_;
  bool last_pass_ = false;
  std::vector<bool> final_;  // of each parameter, in this pass
  size_t sent_ = 0;          // portions
  uint64_t bytes_ = 0;
  double seconds_waited_ = 0;
};

}  // namespace patina::train
