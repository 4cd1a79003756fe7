#include "e2e/terminal.h"

#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace patina::e2e {

namespace {

constexpr int kSilenceMilliseconds = 60'000;
constexpr unsigned short kRows = 24;
constexpr unsigned short kColumns = 80;

[[noreturn]] void become_program(std::vector<std::string> words, const std::string& state) {
  setenv("XDG_STATE_HOME", state.c_str(), 1);
  setenv("TERM", "xterm", 1);
  setenv("LC_ALL", "C.UTF-8", 1);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execv(arguments.front(), arguments.data());
  _exit(127);
}

}  // namespace

Terminal::Terminal(const std::vector<std::string>& arguments, const std::string& state) {
  std::vector<std::string> words = {PATINA_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const winsize size = {.ws_row = kRows, .ws_col = kColumns, .ws_xpixel = 0, .ws_ypixel = 0};
  program_ = forkpty(&terminal_, nullptr, nullptr, &size);
  if (program_ < 0) throw std::runtime_error("cannot make a terminal");
  if (program_ == 0) become_program(words, state);
}

Terminal::~Terminal() {
  if (program_ > 0) {
    kill(program_, SIGKILL);
    waitpid(program_, nullptr, 0);
  }
  close(terminal_);
}

void Terminal::type(const std::string& keys) const {
  if (write(terminal_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size())) {
    throw std::runtime_error("cannot type");
  }
}

std::string Terminal::wait_for(const std::string& text) {
  std::string seen;
  seen.swap(unread_);
  while (seen.find(text) == std::string::npos) {
    pollfd ready = {.fd = terminal_, .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, kSilenceMilliseconds) <= 0) break;
    std::array<char, 4096> buffer;
    const ssize_t count = read(terminal_, buffer.data(), buffer.size());
    if (count <= 0) break;
    seen.append(buffer.data(), static_cast<size_t>(count));
  }
  const size_t found = seen.find(text);
  if (found == std::string::npos) return seen;
  unread_ = seen.substr(found + text.size());
  return seen.substr(0, found + text.size());
}

int Terminal::wait_for_end() {
  pollfd ready = {.fd = terminal_, .events = POLLIN, .revents = 0};
  std::array<char, 4096> buffer;
  int events = 0;
  do {
    events = poll(&ready, 1, kSilenceMilliseconds);
  } while (events > 0 && read(terminal_, buffer.data(), buffer.size()) > 0);
  if (events <= 0) kill(program_, SIGKILL);  // it waits for more keys: -1 for the test, which would never end
  int status = 0;
  waitpid(program_, &status, 0);
  program_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace patina::e2e
