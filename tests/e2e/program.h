#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace patina::e2e {

struct Outcome {
  int code = -1;  // exit status; -1 when a signal ended the program
  std::string out;
  std::string err;
};

// Runs the built program with these arguments, and `input` on its standard input, in a shell after its command `setup`.
Outcome run(const std::vector<std::string>& arguments, const std::string& input = "", const std::string& setup = ":");

// Runs a command of the shell.
Outcome run_shell(const std::string& command, const std::string& input = "");
// The built program with these arguments, as a word list for the shell.
std::string program_words(const std::vector<std::string>& arguments);

// The embedded model, or the file that the variable PATINA_E2E_MODEL names.
std::filesystem::path model_path();

std::string read_file(const std::filesystem::path& path);

// A folder that goes away with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace patina::e2e
