#pragma once

#include <functional>
#include <string>

namespace patina::distributed {

// What mpirun tells the processes that it starts, in their environment.
struct Launch {
  int rank = 0;       // of this process, from 0
  int processes = 1;  // altogether
  int here = 1;       // on this machine
};

// `variable` yields the value of an environment variable, or null. What is not told or makes no sense is as above.
Launch launch(const std::function<const char*(const char*)>& variable);
// Of this process.
Launch launch();

// The threads that this process should have where the user names no number: its part of the cores that mpirun itself
// may run on, and no more than mpirun has bound it to. Alone, platform::default_threads().
int default_threads(const Launch& launch);
// A sentence with advice where mpirun has bound this process to less than its part, which it does unless told
// otherwise. Else empty.
std::string binding_hint(const Launch& launch);

// Where all processes end alike, by the same error or by mpirun, the first speaks for them and saves what there is.
// Returns at once there; in the others when it has had the time, by which mpirun will have ended them.
void give_the_first_time(const Launch& launch);

}  // namespace patina::distributed
