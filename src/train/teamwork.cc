#include "train/teamwork.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "base/error.h"

namespace patina::train {

void Teamwork::go_on() {
  if (stop_ && stop_()) fail(ErrorKind::kInterrupted, "the run was stopped");
  team_->advance();
}

// Sleeps between looks once it takes long, so that processes of one machine leave each other the cores.
void Teamwork::wait() {
  constexpr int kEagerLooks = 200;
  constexpr std::chrono::microseconds kPause(20);
  for (int look = 0; !team_->advance(); ++look) {
    if (stop_ && stop_()) fail(ErrorKind::kInterrupted, "the run was stopped");
    if (look < kEagerLooks) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(kPause);
    }
  }
}

void Teamwork::add_up(std::span<double> values) {
  const std::vector<double> own(values.begin(), values.end());
  team_->start_sum(own, values);
  wait();
}

bool Teamwork::first_says(bool own) {
  std::byte word{own};
  copy_from_first(std::span(&word, 1));
  return word != std::byte{0};
}

void Teamwork::copy_from_first(std::span<std::byte> bytes) {
  team_->start_copy(bytes);
  wait();
}

void Teamwork::require_same(std::span<const Claim> claims) {
  std::vector<uint64_t> of_first(claims.size());
  std::ranges::transform(claims, of_first.begin(), &Claim::digest);
  copy_from_first(std::as_writable_bytes(std::span(of_first)));
  std::vector<double> others(claims.size());  // how many have another one
  for (size_t i = 0; i < claims.size(); ++i) others[i] = claims[i].digest == of_first[i] ? 0 : 1;
  add_up(others);
  for (size_t i = 0; i < claims.size(); ++i) {
    if (others[i] == 0) continue;
    fail(ErrorKind::kIncompatible, "{} of {} processes have not the same {} as the first; {}", others[i], team_->size(),
         claims[i].what, claims[i].advice);
  }
}

}  // namespace patina::train
