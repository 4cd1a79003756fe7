#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "train/team.h"

namespace patina::train {

// Something that all processes of a run must have the same of.
struct Claim {
  std::string what;    // "the model"
  uint64_t digest;     // of it
  std::string advice;  // what to do where it differs
};

// A process's dealings with its team. All that waits asks meanwhile whether to stop, and throws kInterrupted then. Not
// thread safe.
class Teamwork {
 public:
  // `team` must outlive this.
  explicit Teamwork(Team& team) : team_(&team) {}

  // Whether to stop, asked often; empty: never.
  void stop_when(std::function<bool()> stop) { stop_ = std::move(stop); }

  Team& team() const { return *team_; }
  bool alone() const { return team_->size() == 1; }
  // Throws kInterrupted if it is time to stop; moves on what has begun.
  void go_on();
  // Until all that has begun has finished.
  void wait();

  // Makes each value the sum of it over all processes.
  void add_up(std::span<double> values);
  // What the first process says.
  bool first_says(bool own);
  // Makes the bytes those of the first process.
  void copy_from_first(std::span<std::byte> bytes);
  // Throws kIncompatible in every process, naming what differs, unless all claims are those of the first one.
  void require_same(std::span<const Claim> claims);

 private:
  Team* team_;
  std::function<bool()> stop_;
};

}  // namespace patina::train
