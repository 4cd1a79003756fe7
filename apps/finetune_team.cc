#include "apps/finetune_team.h"

#include <fmt/format.h>

#include <new>

#include "distributed/join.h"
#include "patina/error.h"
#include "platform/cores.h"

namespace patina::apps {

FinetuneTeam::FinetuneTeam() : launch_(distributed::launch()), joined_(distributed::join()) {}

int FinetuneTeam::threads(int given) const {
  return given > 0 ? platform::threads_to_use(given) : distributed::default_threads(launch_);
}

void FinetuneTeam::describe(int threads, const LogSink& log) const {
  if (alone()) return;
  patina::log(log, LogLevel::kInfo,
              fmt::format("{} processes train together, {} of them on this machine, with {} thread{} each",
                          launch_.processes, launch_.here, threads, threads == 1 ? "" : "s"));
  const std::string hint = distributed::binding_hint(launch_);
  if (!hint.empty()) patina::log(log, LogLevel::kWarning, hint);
}

void FinetuneTeam::describe(const train::TeamUse& use, const LogSink& log) const {
  if (alone()) return;
  patina::log(log, LogLevel::kInfo,
              fmt::format("each step summed {:.3f} MB of gradients of each process; waiting for that took {:.1f} % of "
                          "the time",
                          use.bytes_a_step / 1e6, 100 * use.share_waited));
}

int run_in_team(FunctionRef<int(const FinetuneTeam& team)> body) {
  const FinetuneTeam team;
  if (team.first()) return body(team);
  const auto failed = [&](ErrorKind kind, std::string_view what) {
    team.give_the_first_time();
    return Error(kind, fmt::format("{}: {}", team.members().name(), what));
  };
  try {
    return body(team);
  } catch (const Error& error) {
    throw failed(error.kind(), error.what());
  } catch (const std::bad_alloc&) {
    throw failed(ErrorKind::kOutOfMemory, "out of memory; start fewer processes on this machine");
  }
}

}  // namespace patina::apps
