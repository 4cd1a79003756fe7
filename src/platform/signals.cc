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

void set_action(int signal, void (*handler)(int), int flags, struct sigaction* old) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, old);
}

// SA_RESETHAND: the second signal finds the default action. No SA_RESTART: a program that waits for input wakes up.
void install(int signal, struct sigaction* old) {
  set_action(signal, note_interrupt, static_cast<int>(SA_RESETHAND), old);
}

void install_unless_ignored(int signal, struct sigaction* old) {
  struct sigaction present = {};
  ::sigaction(signal, nullptr, &present);
  if (old != nullptr) *old = present;
  if (present.sa_handler != SIG_IGN) install(signal, nullptr);
}

}  // namespace

InterruptGuard::InterruptGuard() : old_interrupt_(), old_terminate_(), old_hangup_() {
  if (guard_alive.exchange(true)) fail(ErrorKind::kInvalidArgument, "there is an InterruptGuard already");
  interrupt_requested.store(false);
  install(SIGINT, &old_interrupt_);
  install(SIGTERM, &old_terminate_);
  install_unless_ignored(SIGHUP, &old_hangup_);
}

InterruptGuard::~InterruptGuard() {
  ::sigaction(SIGINT, &old_interrupt_, nullptr);
  ::sigaction(SIGTERM, &old_terminate_, nullptr);
  ::sigaction(SIGHUP, &old_hangup_, nullptr);
  guard_alive.store(false);
}

bool InterruptGuard::requested() const { return interrupt_requested.load(); }

void InterruptGuard::clear() {
  interrupt_requested.store(false);
  install(SIGINT, nullptr);
  install(SIGTERM, nullptr);
  install_unless_ignored(SIGHUP, nullptr);
}

BrokenPipeGuard::BrokenPipeGuard() : old_() { set_action(SIGPIPE, SIG_IGN, 0, &old_); }

BrokenPipeGuard::~BrokenPipeGuard() { ::sigaction(SIGPIPE, &old_, nullptr); }

}  // namespace patina::platform
