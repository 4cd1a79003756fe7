#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "engine/generation.h"
#include "engine/runtime.h"
#include "patina/error.h"

namespace patina::engine {

struct SchedulerOptions {
  int slots = 4;           // requests that run at once; each may use the whole context. 1 to kMaxSlots
  size_t max_queued = 64;  // requests that may wait beyond those that run
};

constexpr int kMaxSlots = 256;

// What on_done receives: how the answer ended, or, with `error`, why there is none (`generation` then tells how far it
// came).
struct Outcome {
  Generation generation;
  std::optional<Error> error;
};

// A request to a Scheduler. Both callbacks run on the scheduler's thread: they must be quick, must not throw and must
// not call drain() or stop(); submit() and cancel() they may. on_done is called exactly once, after the last on_text,
// and the request (with all that its callbacks hold) is destroyed right after.
struct Request {
  std::vector<TokenId> tokens;
  GenerationParams params;
  std::function<void(std::string_view text)> on_text;  // as Generator::OnText; may be empty
  std::function<void(const Outcome& outcome)> on_done;
};

using RequestId = uint64_t;

struct SchedulerStats {
  int slots = 0;
  int running = 0;
  size_t queued = 0;
  uint64_t requests_done = 0;
  uint64_t prompt_tokens = 0;     // read since the start, those of the cache not counted
  uint64_t generated_tokens = 0;  // since the start
};

// Answers many requests at once (continuous batching: Yu et al. 2022, "Orca"). One thread of its own runs forward
// passes in which every running answer has one row; prompts of new requests join in pieces, so that running answers go
// on. A request takes over the cache of a finished one whose tokens begin like its own. Every member may be called from
// any thread. The runtime must outlive it.
class Scheduler {
 public:
  // Throws kInvalidArgument for options out of range, kOutOfMemory.
  Scheduler(const Runtime& runtime, const SchedulerOptions& options, LogSink log = {});
  ~Scheduler();  // as stop()
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Queues a request. Empty, and the request dropped without a call of on_done, when the queue is full or drain() or
  // stop() has been called. Throws kInvalidArgument for tokens that leave no position in the context, none at all or
  // one outside the vocabulary, and for sampling parameters that a Sampler refuses.
  std::optional<RequestId> submit(Request request);

  // Ends a request soon, with kCancelled; does nothing for one that is done or unknown. Does not wait.
  void cancel(RequestId id);

  // Takes no more requests and returns when all that there are, queued ones too, are done.
  void drain();

  // Takes no more requests, cancels what runs or waits, and returns when every on_done has been called.
  void stop();

  SchedulerStats stats() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace patina::engine
