#pragma once

#include <csignal>

namespace patina::platform {

// While one lives, SIGINT (Ctrl-C), SIGTERM and SIGHUP (the terminal is gone; unless it is ignored, as after nohup) no
// longer end the process but set a flag, to be looked at where stopping is safe. A second signal of the kind before
// clear() has the system's default action, so that a program that hangs can still be stopped. The old actions are back
// after destruction. One at a time in a process (throws kInvalidArgument for a second); requested() and clear() may be
// called from any thread.
class InterruptGuard {
 public:
  InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  ~InterruptGuard();

  bool requested() const;
  // Forgets the request; the next signal sets the flag again.
  void clear();

 private:
  struct sigaction old_interrupt_;
  struct sigaction old_terminate_;
  struct sigaction old_hangup_;
};

// While one lives, writing to a pipe that nobody reads fails, and does not end the process.
class BrokenPipeGuard {
 public:
  BrokenPipeGuard();
  BrokenPipeGuard(const BrokenPipeGuard&) = delete;
  BrokenPipeGuard& operator=(const BrokenPipeGuard&) = delete;
  ~BrokenPipeGuard();

 private:
  struct sigaction old_;
};

}  // namespace patina::platform
