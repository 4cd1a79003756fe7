#pragma once

#include <memory>

#include "base/function_ref.h"
#include "base/log.h"
#include "distributed/launch.h"
#include "train/run.h"
#include "train/team.h"

namespace patina::apps {

// The processes that mpirun has started to train together; mostly there is one.
class FinetuneTeam {
 public:
  // Joins them. Throws as distributed::join().
  FinetuneTeam();

  train::Team& members() const { return joined_ ? *joined_ : train::Team::alone(); }
  bool alone() const { return members().size() == 1; }
  bool first() const { return members().rank() == 0; }

  // As distributed::give_the_first_time().
  void give_the_first_time() const { distributed::give_the_first_time(launch_); }

  // --threads, or a process's part of its machine where the user has given none.
  int threads(int given) const;
  // Tells how many there are, with so many threads each.
  void describe(int threads, const LogSink& log) const;
  // Tells what was sent in a run.
  void describe(const train::TeamUse& use, const LogSink& log) const;

 private:
  distributed::Launch launch_;
  std::unique_ptr<train::Team> joined_;
};

// Calls `body` with the team. Where it throws in another process than the first one, the sentence tells in which.
int run_in_team(FunctionRef<int(const FinetuneTeam& team)> body);

}  // namespace patina::apps
