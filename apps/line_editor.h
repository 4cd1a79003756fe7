#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace patina::apps {

enum class LineEnd {
  kEntered,      // a line was typed
  kInterrupted,  // Ctrl-C: the line is given up
  kClosed,       // Ctrl-D on an empty line, or the terminal is gone
};

struct Line {
  LineEnd end = LineEnd::kClosed;
  std::string text;  // UTF-8, without the line end
};

// Reads lines from the terminal, with editing (wide characters, arrows) and a history that is kept in a file. Draws on
// stderr, so that stdout carries only text. Sets the process's locale for characters to UTF-8 where it is not. Not
// thread safe; one at a time.
class LineEditor {
 public:
  // `history`: a file, made with its folders when the editor goes; empty: the history is not kept. Throws kIo when the
  // terminal cannot be set up.
  explicit LineEditor(std::filesystem::path history);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  Line read(const std::string& prompt);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// $XDG_STATE_HOME/patina/chat_history, by default in ~/.local/state; empty without a home folder.
std::filesystem::path chat_history_path();

}  // namespace patina::apps
