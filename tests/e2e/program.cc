#include "e2e/program.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace patina::e2e {

namespace {

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
    } else {
      result += c;
    }
  }
  result += '\'';
  return result;
}

}  // namespace

std::string program_words(const std::vector<std::string>& arguments) {
  std::string words = quoted(PATINA_PROGRAM);
  for (const std::string& argument : arguments) {
    words += ' ';
    words += quoted(argument);
  }
  return words;
}

Outcome run(const std::vector<std::string>& arguments, const std::string& input, const std::string& setup) {
  return run_shell(setup + "; " + program_words(arguments), input);
}

Outcome run_shell(const std::string& command, const std::string& input) {
  const TemporaryFolder folder;
  std::ofstream(folder / "in") << input;
  const std::string whole =
      command + " < " + quoted(folder / "in") + " > " + quoted(folder / "out") + " 2> " + quoted(folder / "err");
  const int status = std::system(whole.c_str());
  return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = read_file(folder / "out"),
          .err = read_file(folder / "err")};
}

std::filesystem::path model_path() {
  const char* chosen = std::getenv("PATINA_E2E_MODEL");
  if (chosen != nullptr) return chosen;
  return std::filesystem::path(PATINA_SOURCE_DIR) / "models" / "patina-tiny-q8_0.gguf";
}

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "patina_e2e_XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(path_); }

}  // namespace patina::e2e
