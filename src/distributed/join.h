#pragma once

#include <memory>

#include "train/team.h"

namespace patina::distributed {

// The processes that mpirun has started this one with, over Open MPI; once in a process. Null for a process that was
// not started so or alone: Open MPI is not touched then. Throws kUnsupported where there are several and the program
// was built without Open MPI.
std::unique_ptr<train::Team> join();

}  // namespace patina::distributed
