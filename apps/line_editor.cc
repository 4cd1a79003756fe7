#include "apps/line_editor.h"

#include <histedit.h>

#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace patina::apps {

namespace {

constexpr int kHistoryLines = 1000;

struct EndEditor {
  void operator()(EditLine* editor) const { el_end(editor); }
};

struct EndHistory {
  void operator()(History* history) const { history_end(history); }
};

void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
}

}  // namespace

struct LineEditor::State {
  std::filesystem::path file;
  std::string prompt;
  bool interrupted = false;
  std::unique_ptr<History, EndHistory> history;
  std::unique_ptr<EditLine, EndEditor> editor;

  static State& of(EditLine* editor) {
    void* data = nullptr;
    el_get(editor, EL_CLIENTDATA, &data);
    return *static_cast<State*>(data);
  }
  static char* prompt_of(EditLine* editor) { return of(editor).prompt.data(); }
  static unsigned char give_up(EditLine* editor, int /*key*/) {
    of(editor).interrupted = true;
    return CC_EOF;
  }
  static unsigned char suspend(EditLine* editor, int /*key*/) {
    el_set(editor, EL_PREP_TERM, 0);
    std::raise(SIGTSTP);
    el_set(editor, EL_PREP_TERM, 1);
    return CC_REDISPLAY;
  }

  void set_up() {
    HistEvent event;
    ::history(history.get(), &event, H_SETSIZE, kHistoryLines);
    ::history(history.get(), &event, H_SETUNIQUE, 1);
    if (!file.empty()) ::history(history.get(), &event, H_LOAD, file.c_str());
    el_set(editor.get(), EL_CLIENTDATA, this);
    el_set(editor.get(), EL_PROMPT, &State::prompt_of);
    el_set(editor.get(), EL_EDITOR, "emacs");
    el_set(editor.get(), EL_HIST, &::history, history.get());
    // Ctrl-C comes as a key while a line is typed: a signal would end the program.
    el_set(editor.get(), EL_SETTY, "-d", "-isig", nullptr);
    // While an answer comes, the terminal keeps lines for later; a Ctrl-D among them has to arrive as that key.
    el_set(editor.get(), EL_SETTY, "-x", "eof=", nullptr);
    el_set(editor.get(), EL_ADDFN, "give-up-line", "Gives up the line", &State::give_up);
    el_set(editor.get(), EL_BIND, "^C", "give-up-line", nullptr);
    el_set(editor.get(), EL_ADDFN, "suspend", "Stops the program until it is continued", &State::suspend);
    el_set(editor.get(), EL_BIND, "^Z", "suspend", nullptr);
  }
};

LineEditor::LineEditor(std::filesystem::path history) : state_(std::make_unique<State>()) {
  use_utf8();
  state_->file = std::move(history);
  state_->history.reset(history_init());
  state_->editor.reset(el_init("patina", stdin, stderr, stderr));
  if (state_->history == nullptr || state_->editor == nullptr) {
    fail(ErrorKind::kIo, "cannot edit lines on this terminal; give the prompt with -p");
  }
  state_->set_up();
}

LineEditor::~LineEditor() {
  if (state_->file.empty()) return;
  // A history that cannot be kept is not worth a word.
  std::error_code ignored;
  std::filesystem::create_directories(state_->file.parent_path(), ignored);
  HistEvent event;
  ::history(state_->history.get(), &event, H_SAVE, state_->file.c_str());
}

Line LineEditor::read(const std::string& prompt) {
  state_->prompt = prompt;
  state_->interrupted = false;
  el_set(state_->editor.get(), EL_PREP_TERM, 1);  // before the prompt is seen, so that no key comes too early
  int length = 0;
  const char* line = el_gets(state_->editor.get(), &length);
  if (state_->interrupted) return {.end = LineEnd::kInterrupted, .text = ""};
  if (line == nullptr || length <= 0) return {.end = LineEnd::kClosed, .text = ""};
  std::string text(line);
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (!text.empty()) {
    HistEvent event;
    ::history(state_->history.get(), &event, H_ENTER, text.c_str());
  }
  return {.end = LineEnd::kEntered, .text = std::move(text)};
}

std::filesystem::path chat_history_path() {
  const std::filesystem::path below = std::filesystem::path("patina") / "chat_history";
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state != '\0') return state / below;
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return {};
  return std::filesystem::path(home) / ".local" / "state" / below;
}

}  // namespace patina::apps
