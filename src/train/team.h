#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace patina::train {

// Processes that train one adapter together. What is begun by one is begun by all, in the same order and with as many
// numbers; it goes on while advance() is called, and the memory belongs to it until then. Sums have the same bits in
// every process. To be used by one thread. Every call but the first three throws kInterrupted where another process is
// gone.
class Team {
 public:
  Team() = default;
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  virtual ~Team() = default;

  virtual int rank() const = 0;          // 0: the first, which writes
  virtual int size() const = 0;          // at least 1
  virtual std::string name() const = 0;  // of this process, as it is told to the user: "process 3 on rack7"

  // Begins to write the sum of all processes' `own` into `sum`, of the same length and apart from it.
  virtual void start_sum(std::span<const float> own, std::span<float> sum) = 0;
  virtual void start_sum(std::span<const double> own, std::span<double> sum) = 0;
  // Begins to write the first process's bytes into those of the others.
  virtual void start_copy(std::span<std::byte> bytes) = 0;
  // Moves on what has begun; true when all of it has finished.
  virtual bool advance() = 0;
  // Parts in peace: all do so, and call nothing after it. A process that ends without having done so ends the others.
  virtual void leave() = 0;

  // A process for itself.
  static Team& alone();
};

}  // namespace patina::train
