#include "base/error.h"
#include "distributed/mpi_team.h"

namespace patina::distributed {

std::unique_ptr<train::Team> make_mpi_team(const Launch& launch) {
  give_the_first_time(launch);
  fail(ErrorKind::kUnsupported,
       "this program was built without Open MPI and cannot share its work among {} processes; install libopenmpi-dev "
       "and openmpi-bin (sudo apt-get install libopenmpi-dev openmpi-bin) and build again",
       launch.processes);
}

}  // namespace patina::distributed
