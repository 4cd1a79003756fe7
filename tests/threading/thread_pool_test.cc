#include "threading/thread_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/error.h"

namespace patina {
namespace {

class ThreadPoolTest : public testing::TestWithParam<int> {};

// 1 runs inline, 2 and 3 are usual, 16 and 67 are more than the cores of most machines.
INSTANTIATE_TEST_SUITE_P(Threads, ThreadPoolTest, testing::Values(1, 2, 3, 16, 67));

TEST_P(ThreadPoolTest, EveryIndexIsVisitedOnce) {
  ThreadPool pool(GetParam());
  EXPECT_EQ(pool.size(), GetParam());
  for (const int64_t n : {0, 1, 2, 7, 64, 1000}) {
    for (const int64_t chunk : {1, 3, 64, 5000}) {
      std::vector<std::atomic<int>> visits(static_cast<size_t>(n));
      std::atomic<bool> well_formed = true;
      pool.parallel_for(n, chunk, [&](int64_t begin, int64_t end, int worker) {
        const bool whole = end - begin == chunk || (end == n && end > begin && end - begin < chunk);
        if (begin % chunk != 0 || !whole || worker < 0 || worker >= pool.size()) well_formed = false;
        for (int64_t i = begin; i < end; ++i) ++visits[static_cast<size_t>(i)];
      });
      EXPECT_TRUE(well_formed);
      for (const auto& count : visits) ASSERT_EQ(count, 1) << "n " << n << " chunk " << chunk;
    }
  }
}

TEST_P(ThreadPoolTest, WritesOfTheBodyAreSeenByTheCaller) {
  ThreadPool pool(GetParam());
  std::vector<int64_t> squares(257);
  for (int round = 0; round < 300; ++round) {
    pool.parallel_for(257, 5, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) squares[static_cast<size_t>(i)] = i * round;
    });
    ASSERT_EQ(std::accumulate(squares.begin(), squares.end(), int64_t{0}), 257 * 256 / 2 * round);
  }
}

TEST_P(ThreadPoolTest, OthersTakeTheShareOfASlowWorker) {
  ThreadPool pool(GetParam());
  constexpr int64_t kPieces = 1000;
  std::atomic<int64_t> done = 0;
  std::atomic<bool> waited = false;
  pool.parallel_for(kPieces, 1, [&](int64_t, int64_t, int) {
    if (pool.size() > 1 && !waited.exchange(true)) {
      while (done < kPieces - 1) std::this_thread::yield();
    }
    ++done;
  });
  EXPECT_EQ(done, kPieces);
}

TEST_P(ThreadPoolTest, AWorkerWalksForwardThroughItsShare) {
  ThreadPool pool(GetParam());
  constexpr int64_t kPieces = 1000;
  std::vector<std::vector<int64_t>> pieces(static_cast<size_t>(pool.size()));
  pool.parallel_for(kPieces, 1,
                    [&](int64_t begin, int64_t, int worker) { pieces[static_cast<size_t>(worker)].push_back(begin); });
  for (int64_t worker = 0; worker < pool.size(); ++worker) {
    const auto& taken = pieces[static_cast<size_t>(worker)];
    const auto mine = [&](int64_t piece) {
      return piece >= kPieces * worker / pool.size() && piece < kPieces * (worker + 1) / pool.size();
    };
    const auto stolen = std::ranges::find_if_not(taken, mine);
    EXPECT_TRUE(std::is_sorted(taken.begin(), stolen));
    EXPECT_TRUE(std::none_of(stolen, taken.end(), mine)) << "it left its share before that was done";
  }
}

TEST(ThreadPoolLimitTest, RefusesMorePiecesThanItCanCount) {
  ThreadPool pool(2);
  const auto nothing = [](int64_t, int64_t, int) {};
  EXPECT_THROW(pool.parallel_for(int64_t{1} << 33, 1, nothing), Error);
}

TEST_P(ThreadPoolTest, OneWorkerNumberIsNeverUsedTwiceAtOnce) {
  ThreadPool pool(GetParam());
  std::vector<std::atomic<int>> inside(static_cast<size_t>(pool.size()));
  std::atomic<bool> shared = false;
  pool.parallel_for(2000, 1, [&](int64_t, int64_t, int worker) {
    if (inside[static_cast<size_t>(worker)].fetch_add(1) != 0) shared = true;
    std::this_thread::yield();
    --inside[static_cast<size_t>(worker)];
  });
  EXPECT_FALSE(shared);
}

TEST_P(ThreadPoolTest, RunReachesEveryWorkerOnItsOwnThread) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 50; ++round) {
    std::mutex mutex;
    std::multiset<int> workers;
    std::set<std::thread::id> threads;
    std::atomic<int> arrived = 0;
    pool.run([&](int worker) {
      ++arrived;
      while (arrived < pool.size()) std::this_thread::yield();  // ends only if all are there at the same time
      const std::lock_guard lock(mutex);
      workers.insert(worker);
      threads.insert(std::this_thread::get_id());
    });
    ASSERT_EQ(workers.size(), static_cast<size_t>(pool.size()));
    ASSERT_EQ(std::set<int>(workers.begin(), workers.end()).size(), workers.size());
    ASSERT_EQ(threads.size(), workers.size());
  }
}

TEST_P(ThreadPoolTest, LoopsAndRunsMayFollowEachOtherClosely) {
  ThreadPool pool(GetParam());
  std::atomic<int64_t> total = 0;
  for (int round = 0; round < 500; ++round) {
    pool.parallel_for(pool.size() + 1, 1, [&](int64_t begin, int64_t end, int) { total += end - begin; });
    pool.run([&](int) { ++total; });
  }
  EXPECT_EQ(total, 500 * (2 * pool.size() + 1));
}

TEST_P(ThreadPoolTest, SleepingWorkersWakeUp) {
  ThreadPool pool(GetParam());
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // far longer than workers spin
    std::atomic<int> count = 0;
    pool.run([&](int) { ++count; });
    EXPECT_EQ(count, pool.size());
  }
}

TEST_P(ThreadPoolTest, AnExceptionEndsTheLoopAndReachesTheCaller) {
  ThreadPool pool(GetParam());
  std::atomic<int64_t> visited = 0;
  const auto body = [&](int64_t begin, int64_t, int) {
    ++visited;
    if (begin == 10) throw std::runtime_error("ten");
  };
  EXPECT_THROW(pool.parallel_for(int64_t{1} << 40, 1, body), std::runtime_error);
  EXPECT_LT(visited, int64_t{1} << 40);
  EXPECT_THROW(pool.parallel_for(11, 11, [](int64_t, int64_t, int) { throw std::logic_error("inline"); }),
               std::logic_error);
  EXPECT_THROW(pool.run([](int) { throw std::logic_error("everywhere"); }), std::logic_error);

  int64_t sum = 0;  // and the pool still works
  std::mutex mutex;
  pool.parallel_for(100, 7, [&](int64_t begin, int64_t end, int) {
    const std::lock_guard lock(mutex);
    sum += end - begin;
  });
  EXPECT_EQ(sum, 100);
}

TEST_P(ThreadPoolTest, ANestedCallRunsOnTheSameWorker) {
  ThreadPool pool(GetParam());
  std::atomic<int64_t> inner = 0;
  std::atomic<bool> moved = false;
  pool.parallel_for(40, 1, [&](int64_t, int64_t, int outer) {
    const auto thread = std::this_thread::get_id();
    pool.parallel_for(10, 3, [&](int64_t begin, int64_t end, int worker) {
      if (worker != outer || std::this_thread::get_id() != thread || end - begin > 3) moved = true;
      inner += end - begin;
    });
    pool.run([&](int) { inner += 1; });
  });
  EXPECT_FALSE(moved);
  EXPECT_EQ(inner, 40 * (10 + pool.size()));
}

TEST_P(ThreadPoolTest, SeveralThreadsMayShareIt) {
  ThreadPool pool(GetParam());
  std::atomic<int64_t> total = 0;
  std::vector<std::thread> callers;
  callers.reserve(3);
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) {
        pool.parallel_for(30, 4, [&](int64_t begin, int64_t end, int) { total += end - begin; });
      }
    });
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(total, 3 * 50 * 30);
}

// A worker that comes late to the last job must not take the end of the pool for one more job that it has missed. The
// alarm ends the test where one waits for ever.
TEST_P(ThreadPoolTest, EndsWhileWorkersComeLate) {
  constexpr unsigned kSecondsToEnd = 60;
  ::alarm(kSecondsToEnd);
  std::atomic<int64_t> total = 0;
  const int pools = 6000 / GetParam();
  for (int i = 0; i < pools; ++i) {
    ThreadPool pool(GetParam());
    pool.run([](int) {});  // wakes every worker
    pool.parallel_for(2, 1, [&](int64_t begin, int64_t end, int) { total += end - begin; });
  }
  ::alarm(0);
  EXPECT_EQ(total, 2 * pools);
}

TEST(ThreadPool, RefusesAnImpossibleNumberOfThreads) {
  for (const int threads : {-1, 0, ThreadPool::kMaxThreads + 1}) {
    try {
      const ThreadPool pool(threads);
      FAIL() << threads;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    }
  }
}

}  // namespace
}  // namespace patina
