#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "base/function_ref.h"

namespace patina {

// A fixed set of workers that share loops. The thread that calls is worker 0; size() - 1 more wait for work, spinning
// for some 20 microseconds (hardly at all when there are more workers than processors at hand) and asleep after that.
//
// Calls from several threads are taken one after another. A call made from inside a body runs on the calling worker
// alone. Destroying the pool while a call is under way is the caller's bug.
class ThreadPool {  // NOLINT(clang-analyzer-optin.performance.Padding): cache lines are kept apart on purpose
 public:
  // `threads` counts the caller: 1 makes no thread. Throws kInvalidArgument below 1 or above kMaxThreads, and
  // kOutOfMemory where the system gives no more threads.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  static constexpr int kMaxThreads = 1024;

  int size() const { return size_; }

  // Runs body(begin, end, worker) over [0, n) in pieces [begin, end) of `chunk` (the last one may be shorter), each
  // beginning at a multiple of `chunk`; 0 <= worker < size(), and no two bodies run at once under the same number. A
  // worker walks forward through an even share of its own, always the same one, so that memory is read in long runs;
  // whoever has ended takes pieces from the ends of the others' shares. Returns when all is done, without waiting for
  // workers that came too late to help. The first exception a body throws stops the handing out and is rethrown here
  // once every body has ended. chunk >= 1; n <= 0 does nothing. Throws kInvalidArgument for 2^32 pieces and more.
  void parallel_for(int64_t n, int64_t chunk, FunctionRef<void(int64_t, int64_t, int)> body);

  // Runs body(worker) exactly once for each worker, each on its own thread, all at the same time; from inside a body
  // one after another on the calling thread. Exceptions as above.
  void run(FunctionRef<void(int)> body);

 private:
  struct Job;
  class Turn;
  class Share;

  void start_workers();
  void stop_workers();
  void work(int worker);
  bool join_job();
  void leave_job();
  void take_part(int worker);
  void execute(const Job& job);
  int current_worker() const;
  int next_epoch() const;
  bool spin_until_not(const std::atomic<int>& word, int value) const;

  const int size_;
  const std::chrono::nanoseconds spin_time_;
  std::vector<std::thread> workers_;

  std::mutex turn_;                     // whose call it is
  std::atomic<std::thread::id> owner_;  // the thread that has the turn
  std::exception_ptr error_;            // written by the thread that won failed_

  // Each on its own cache line: waiting workers read epoch_.
  alignas(64) std::atomic<int> epoch_ = 0;  // changes when a job opens or the pool ends
  alignas(64) std::atomic<int> gate_;       // workers inside the job; kClosed is set when no more may enter
  std::atomic<int> absent_ = 0;             // run(): workers that have not finished yet
  std::atomic<bool> failed_ = false;
  std::atomic<bool> stopping_ = false;
  const Job* job_ = nullptr;   // read only inside the gate
  std::vector<Share> shares_;  // one a worker
};

}  // namespace patina
