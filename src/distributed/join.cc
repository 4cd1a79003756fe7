#include "distributed/join.h"

#include "distributed/launch.h"
#include "distributed/mpi_team.h"

namespace patina::distributed {

std::unique_ptr<train::Team> join() {
  const Launch launched = launch();
  return launched.processes > 1 ? make_mpi_team(launched) : nullptr;
}

}  // namespace patina::distributed
