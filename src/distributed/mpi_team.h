#pragma once

#include <memory>

#include "distributed/launch.h"
#include "train/team.h"

namespace patina::distributed {

// A team of all processes of an Open MPI run. The one file that knows MPI defines it, or another one that throws
// kUnsupported where the program is built without.
std::unique_ptr<train::Team> make_mpi_team(const Launch& launch);

}  // namespace patina::distributed
