#include <string>
#include <vector>

#include "apps/command.h"
#include "apps/commands.h"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  return patina::apps::run_program(patina::apps::all_commands(), words);
}
