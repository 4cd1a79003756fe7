#pragma once

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "train/team.h"

namespace patina::train {

// Where the members of a team of threads meet: the operations that have begun, by their number.
class MeetingPlace {
 public:
  explicit MeetingPlace(size_t members) : members_(members) {}

  void bring(size_t number, size_t rank, std::vector<double> values) {
    const std::scoped_lock lock(mutex_);
    std::vector<std::vector<double>>& brought = brought_[number];
    brought.resize(members_);
    brought[rank] = std::move(values);
    ++count_[number];
  }
  // Null until all have brought theirs.
  const std::vector<std::vector<double>>* all(size_t number) {
    const std::scoped_lock lock(mutex_);
    if (gone_) fail(ErrorKind::kInterrupted, "another member is gone");
    return count_[number] == members_ ? &brought_[number] : nullptr;
  }
  void leave_unfinished() {
    const std::scoped_lock lock(mutex_);
    gone_ = true;
  }

 private:
  const size_t members_;
  std::mutex mutex_;
  std::map<size_t, std::vector<std::vector<double>>> brought_;
  std::map<size_t, size_t> count_;
  bool gone_ = false;
};

// A member of a team of threads, for tests. Sums go in the order of the ranks.
class ThreadTeam final : public Team {
 public:
  ThreadTeam(MeetingPlace& place, int rank, int size) : place_(place), rank_(rank), size_(size) {}

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string name() const override { return "thread " + std::to_string(rank_); }
  void start_sum(std::span<const float> own, std::span<float> sum) override { start_sum_of(own, sum); }
  void start_sum(std::span<const double> own, std::span<double> sum) override { start_sum_of(own, sum); }
  void start_copy(std::span<std::byte> bytes) override {
    std::vector<double> values;
    for (const std::byte byte : bytes) values.push_back(std::to_integer<int>(byte));
    begin(std::move(values), [bytes](const auto& all) {
      std::ranges::transform(all.front(), bytes.begin(), [](double x) { return static_cast<std::byte>(x); });
    });
  }
  bool advance() override {
    while (!under_way_.empty()) {
      const auto* all = place_.all(done_);
      if (all == nullptr) return false;
      under_way_.front()(*all);
      under_way_.erase(under_way_.begin());
      ++done_;
    }
    return true;
  }
  void leave() override {}

  size_t begun() const { return begun_; }

 private:
  using All = std::vector<std::vector<double>>;

  template <typename T>
  void start_sum_of(std::span<const T> own, std::span<T> sum) {
    begin({own.begin(), own.end()}, [sum](const All& all) {
      for (size_t i = 0; i < sum.size(); ++i) {
        T total = 0;
        for (const std::vector<double>& values : all) total += static_cast<T>(values[i]);
        sum[i] = total;
      }
    });
  }
  void begin(std::vector<double> values, std::function<void(const All&)> finish) {
    place_.bring(begun_++, static_cast<size_t>(rank_), std::move(values));
    under_way_.push_back(std::move(finish));
  }

  MeetingPlace& place_;
  const int rank_;
  const int size_;
  size_t begun_ = 0;
  size_t done_ = 0;
  std::vector<std::function<void(const All&)>> under_way_;
};

// Runs `body` in a thread for each member.
inline void run_team(int size, const std::function<void(ThreadTeam&)>& body) {
  MeetingPlace place(static_cast<size_t>(size));
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(size));
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      ThreadTeam team(place, rank, size);
      body(team);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace patina::train
