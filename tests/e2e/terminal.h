#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace patina::e2e {

// The built program on a terminal of its own.
class Terminal {
 public:
  // `state`: the folder for what the program keeps (XDG_STATE_HOME).
  Terminal(const std::vector<std::string>& arguments, const std::string& state);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void type(const std::string& keys) const;
  // Reads until `text` has come since the last call, and returns all that came; without `text` in it when the program
  // ended or stayed silent for long.
  std::string wait_for(const std::string& text);
  // Waits for the end of the program, and kills it when it stays silent for long: its exit status, -1 when a signal
  // ended it.
  int wait_for_end();

 private:
  int terminal_ = -1;
  pid_t program_ = -1;
  std::string unread_;
};

}  // namespace patina::e2e
