#include "platform/signals.h"

#include <atomic>

#include "base/error.h"

namespace patina::platform {

namespace {

// A signal handler reaches nothing but variables with static storage.
std::atomic<bool> interrupt_requested = false;
std::atomic<bool> guard_alive = false;
static_assert(std::atomic<bool>::is_always_lock_free, "a handler may not take locks");

extern "C" void note_interrupt(int /*signal*/) { interrupt_requested.store(true); }

// SA_RESETHAND: the second signal finds the default action. No SA_RESTART: a program that waits for input wakes up.
void install(int signal, struct sigaction* old) {
  struct sigaction action = {};
  action.sa_handler = note_interrupt;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, old);
}

}  // namespace

InterruptGuard::InterruptGuard() : old_interrupt_(), old_terminate_() {
  if (guard_alive.exchange(true)) fail(ErrorKind::kInvalidArgument, "there is an InterruptGuard already");
  interrupt_requested.store(false);
  install(SIGINT, &old_interrupt_);
  install(SIGTERM, &old_terminate_);
}

InterruptGuard::~InterruptGuard() {
  ::sigaction(SIGINT, &old_interrupt_, nullptr);
  ::sigaction(SIGTERM, &old_terminate_, nullptr);
  guard_alive.store(false);
}

bool InterruptGuard::requested() const { return interrupt_requested.load(); }

void InterruptGuard::clear() {
  interrupt_requested.store(false);
  install(SIGINT, nullptr);
  install(SIGTERM, nullptr);
}

}  // namespace patina::platform
