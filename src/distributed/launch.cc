#include "distributed/launch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "platform/cores.h"

namespace patina::distributed {
namespace {

int number(const char* text, int least, int otherwise) {
  const std::string_view digits = text == nullptr ? std::string_view() : std::string_view(text);
  int value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool good = error == std::errc() && end == digits.data() + digits.size() && value >= least;
  return good ? value : otherwise;
}

// mpirun or its helper on this machine has started this process, and is not bound itself.
int part_of_machine(const Launch& launch) {
  return std::max(platform::usable_cores(platform::allowed_processors(::getppid()), "/") / launch.here, 1);
}

}  // namespace

Launch launch(const std::function<const char*(const char*)>& variable) {
  const Launch alone;
  return {.rank = number(variable("OMPI_COMM_WORLD_RANK"), 0, alone.rank),
          .processes = number(variable("OMPI_COMM_WORLD_SIZE"), 1, alone.processes),
          .here = number(variable("OMPI_COMM_WORLD_LOCAL_SIZE"), 1, alone.here)};
}

Launch launch() {
  return launch([](const char* name) { return std::getenv(name); });
}

int default_threads(const Launch& launch) {
  if (launch.processes == 1) return platform::default_threads();
  return std::min(part_of_machine(launch), platform::default_threads());
}

std::string binding_hint(const Launch& launch) {
  if (launch.processes == 1) return {};
  const int bound = platform::default_threads();
  const int part = part_of_machine(launch);
  if (bound >= part) return {};
  return fmt::format(
      "mpirun has bound each process to {} of the {} cores that it could have; give mpirun --bind-to none", bound,
      part);
}

// mpirun sends SIGTERM one second after a process has ended, and SIGKILL after another one.
void give_the_first_time(const Launch& launch) {
  constexpr std::chrono::seconds kTime(3);
  if (launch.rank > 0) std::this_thread::sleep_for(kTime);
}

}  // namespace patina::distributed
