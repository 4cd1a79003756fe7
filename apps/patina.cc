#include <malloc.h>

#include <string>
#include <vector>

#include "apps/command.h"
#include "apps/commands.h"

int main(int argc, char** argv) {
#ifdef M_MMAP_THRESHOLD
  // Large buffers are mapped each for itself, so that the system has them back as soon as they are free; left to
  // itself, glibc keeps those of up to 32 MiB in its heap once one of that size was freed.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
  const std::vector<std::string> words(argv, argv + argc);
  return patina::apps::run_program(patina::apps::all_commands(), words);
}
