#include "threading/thread_pool.h"

#include <algorithm>
#include <climits>
#include <system_error>

#include "base/error.h"
#include "platform/cores.h"

namespace patina {

namespace {

constexpr int kClosed = INT_MIN;
constexpr std::chrono::nanoseconds kSpinTime = std::chrono::microseconds(20);

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");  // waits longer than `yield`, which most cores treat as a no-op
#endif
}

bool oversubscribed(int threads) { return threads > platform::usable_processors(); }

}  // namespace

// The pieces [begin, end) that a worker has still to do; safe to share. On a cache line of its own.
class alignas(64) ThreadPool::Share {
 public:
  static constexpr int64_t kMostPieces = UINT32_MAX;

  // Not while others take from it.
  void fill(int64_t begin, int64_t end) { ends_.store(pair(begin, end), std::memory_order_relaxed); }
  void clear() { ends_.store(0, std::memory_order_relaxed); }
  // The first piece or the last one; -1 when none is left.
  int64_t take_first() {
    return take([](int64_t begin, int64_t end) { return Taken{begin, pair(begin + 1, end)}; });
  }
  int64_t take_last() {
    return take([](int64_t begin, int64_t end) { return Taken{end - 1, pair(begin, end - 1)}; });
  }

 private:
  struct Taken {
    int64_t piece;
    uint64_t left;
  };
  static uint64_t pair(int64_t begin, int64_t end) {
    return static_cast<uint64_t>(end) << 32U | static_cast<uint64_t>(begin);
  }
  template <typename Choose>
  int64_t take(Choose choose) {
    uint64_t ends = ends_.load(std::memory_order_relaxed);
    while (true) {
      const auto begin = static_cast<int64_t>(ends & UINT32_MAX);
      const auto end = static_cast<int64_t>(ends >> 32U);
      if (begin >= end) return -1;
      const Taken taken = choose(begin, end);
      if (ends_.compare_exchange_weak(ends, taken.left, std::memory_order_relaxed)) return taken.piece;
    }
  }

  std::atomic<uint64_t> ends_ = 0;
};

// What one call shares with the workers; lives on the caller's stack while the gate is open or somebody is inside.
struct ThreadPool::Job {
  int epoch;
  int64_t n;
  int64_t chunk;
  FunctionRef<void(int64_t, int64_t, int)> body;
  bool everyone;  // run(): one index for each worker, its own
};

// Holds the pool for one call.
class ThreadPool::Turn {
 public:
  explicit Turn(ThreadPool& pool) : pool_(pool), lock_(pool.turn_) {
    pool_.owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  }
  ~Turn() { pool_.owner_.store(std::thread::id(), std::memory_order_relaxed); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  ThreadPool& pool_;
  std::lock_guard<std::mutex> lock_;
};

ThreadPool::ThreadPool(int threads)
    : size_(threads), spin_time_(oversubscribed(threads) ? std::chrono::nanoseconds(0) : kSpinTime), gate_(kClosed) {
  if (threads < 1 || threads > kMaxThreads) {
    fail(ErrorKind::kInvalidArgument, "cannot use {} threads; choose 1 to {}", threads, kMaxThreads);
  }
  shares_ = std::vector<Share>(static_cast<size_t>(threads));
  start_workers();
}

ThreadPool::~ThreadPool() { stop_workers(); }

void ThreadPool::start_workers() {
  workers_.reserve(static_cast<size_t>(size_ - 1));
  try {
    for (int worker = 1; worker < size_; ++worker) workers_.emplace_back([this, worker] { work(worker); });
  } catch (const std::system_error& error) {
    stop_workers();
    fail(ErrorKind::kOutOfMemory, "cannot start {} threads ({}); use fewer", size_, error.what());
  } catch (...) {
    stop_workers();
    throw;
  }
}

void ThreadPool::stop_workers() {
  stopping_.store(true);
  epoch_.fetch_add(1);
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
}

void ThreadPool::parallel_for(int64_t n, int64_t chunk, FunctionRef<void(int64_t, int64_t, int)> body) {
  if (n <= 0) return;
  const auto alone = [&](int worker) {
    for (int64_t begin = 0; begin < n; begin += chunk) body(begin, std::min(begin + chunk, n), worker);
  };
  if (const int nested = current_worker(); nested >= 0) return alone(nested);
  const Turn turn(*this);
  if (size_ == 1 || n <= chunk) return alone(0);
  const int64_t pieces = (n - 1) / chunk + 1;
  if (pieces > Share::kMostPieces) {
    fail(ErrorKind::kInvalidArgument, "cannot hand out {} pieces; make them larger", pieces);
  }
  for (int64_t worker = 0; worker < size_; ++worker) {
    shares_[static_cast<size_t>(worker)].fill(pieces * worker / size_, pieces * (worker + 1) / size_);
  }
  execute({next_epoch(), n, chunk, body, false});
}

void ThreadPool::run(FunctionRef<void(int)> body) {
  if (current_worker() >= 0) {
    for (int worker = 0; worker < size_; ++worker) body(worker);
    return;
  }
  const auto once = [body](int64_t, int64_t, int worker) { body(worker); };
  const Turn turn(*this);
  absent_.store(size_, std::memory_order_relaxed);
  execute({next_epoch(), size_, 1, once, true});
}

int ThreadPool::next_epoch() const {
  return static_cast<int>(static_cast<unsigned>(epoch_.load(std::memory_order_relaxed)) + 1U);  // wraps around
}

// Opens the gate, takes part, closes it, and waits for those inside.
void ThreadPool::execute(const Job& job) {
  job_ = &job;
  failed_.store(false, std::memory_order_relaxed);
  gate_.store(0, std::memory_order_release);
  epoch_.fetch_add(1);
  epoch_.notify_all();
  take_part(0);
  if (job.everyone) {
    for (int left = absent_.load(); left != 0; left = absent_.load()) {
      if (spin_until_not(absent_, left)) continue;
      absent_.wait(left);
    }
  }
  for (int inside = gate_.fetch_or(kClosed) | kClosed; inside != kClosed; inside = gate_.load()) {
    if (spin_until_not(gate_, inside)) continue;
    gate_.wait(inside);
  }
  job_ = nullptr;
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void ThreadPool::work(int worker) {
  int seen = 0;
  int worked = 0;
  while (true) {
    if (!spin_until_not(epoch_, seen)) epoch_.wait(seen);
    // Before stopping_ is read: the last change of epoch_ comes after that of stopping_, and nothing comes after it.
    seen = epoch_.load();
    if (stopping_.load()) return;
    if (!join_job()) continue;
    // The gate opens before epoch_ changes, so the job inside may be a later one than `seen`, or one already worked on.
    if (job_->epoch != worked) {
      worked = job_->epoch;
      take_part(worker);
    }
    leave_job();
  }
}

bool ThreadPool::join_job() {
  int inside = gate_.load(std::memory_order_relaxed);
  while (inside >= 0) {
    if (gate_.compare_exchange_weak(inside, inside + 1, std::memory_order_acquire, std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

void ThreadPool::leave_job() {
  if (gate_.fetch_sub(1) - 1 == kClosed) gate_.notify_one();
}

void ThreadPool::take_part(int worker) {
  const Job& job = *job_;
  try {
    if (job.everyone) {
      job.body(worker, worker + 1, worker);
    } else {
      const auto work_on = [&](int64_t piece) {
        job.body(piece * job.chunk, std::min((piece + 1) * job.chunk, job.n), worker);
      };
      const auto own = static_cast<size_t>(worker);
      for (int64_t piece = 0; (piece = shares_[own].take_first()) >= 0;) work_on(piece);
      for (size_t i = 1; i < shares_.size(); ++i) {
        Share& others = shares_[(own + i) % shares_.size()];
        for (int64_t piece = 0; (piece = others.take_last()) >= 0;) work_on(piece);
      }
    }
  } catch (...) {
    for (Share& share : shares_) share.clear();
    if (!failed_.exchange(true)) error_ = std::current_exception();
  }
  if (job.everyone && absent_.fetch_sub(1) == 1) absent_.notify_one();
}

// The number under which the calling thread works on this pool's present job, or -1.
int ThreadPool::current_worker() const {
  const std::thread::id owner = owner_.load(std::memory_order_relaxed);
  if (owner == std::thread::id()) return -1;
  const std::thread::id self = std::this_thread::get_id();
  if (owner == self) return 0;
  const auto found = std::find_if(workers_.begin(), workers_.end(),
                                  [self](const std::thread& thread) { return thread.get_id() == self; });
  return found == workers_.end() ? -1 : static_cast<int>(found - workers_.begin()) + 1;
}

bool ThreadPool::spin_until_not(const std::atomic<int>& word, int value) const {
  if (word.load() != value) return true;
  if (spin_time_.count() == 0) {
    std::this_thread::yield();
    return word.load() != value;
  }
  const auto end = std::chrono::steady_clock::now() + spin_time_;
  do {
    for (int i = 0; i < 32; ++i) {
      if (word.load(std::memory_order_acquire) != value) return true;
      pause_cpu();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

}  // namespace patina
