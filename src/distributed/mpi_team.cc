#include "distributed/mpi_team.h"

#include <fmt/format.h>
#include <mpi.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/error.h"

namespace patina::distributed {
namespace {

// What one call of MPI may be given; its counts are ints.
constexpr size_t kMost = size_t{1} << 30;

// Open MPI would end the process by itself otherwise.
void require(int result) {
  if (result != MPI_SUCCESS) fail(ErrorKind::kInterrupted, "another process of this run is gone");
}

std::string machine() {
  std::array<char, MPI_MAX_PROCESSOR_NAME> name = {};
  int length = 0;
  require(MPI_Get_processor_name(name.data(), &length));
  return {name.data(), static_cast<size_t>(length)};
}

class MpiTeam final : public train::Team {
 public:
  MpiTeam() {
    int level = 0;
    require(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level));
    require(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    require(MPI_Comm_rank(MPI_COMM_WORLD, &rank_));
    require(MPI_Comm_size(MPI_COMM_WORLD, &size_));
    machine_ = machine();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string name() const override { return fmt::format("process {} on {}", rank_, machine_); }

  // Apart from their own numbers: in place, Open MPI 4 would send all through one process.
  void start_sum(std::span<const float> own, std::span<float> sum) override { start_sum_of(MPI_FLOAT, own, sum); }
  void start_sum(std::span<const double> own, std::span<double> sum) override { start_sum_of(MPI_DOUBLE, own, sum); }

  void start_copy(std::span<std::byte> bytes) override {
    for (size_t i = 0; i < bytes.size(); i += kMost) {
      const std::span<std::byte> part = bytes.subspan(i, std::min(kMost, bytes.size() - i));
      require(MPI_Ibcast(part.data(), static_cast<int>(part.size()), MPI_BYTE, 0, MPI_COMM_WORLD, &add_request()));
    }
  }

  bool advance() override {
    int all = 1;
    require(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &all, MPI_STATUSES_IGNORE));
    if (all != 0) requests_.clear();
    return all != 0;
  }

  void leave() override { require(MPI_Finalize()); }

 private:
  template <typename T>
  void start_sum_of(MPI_Datatype type, std::span<const T> own, std::span<T> sum) {
    for (size_t i = 0; i < own.size(); i += kMost) {
      const size_t count = std::min(kMost, own.size() - i);
      require(MPI_Iallreduce(&own[i], &sum[i], static_cast<int>(count), type, MPI_SUM, MPI_COMM_WORLD, &add_request()));
    }
  }

  MPI_Request& add_request() { return requests_.emplace_back(MPI_REQUEST_NULL); }

  int rank_ = 0;
  int size_ = 1;
  std::string machine_;
  std::vector<MPI_Request> requests_;  // under way
};

}  // namespace

std::unique_ptr<train::Team> make_mpi_team(const Launch& /*launch*/) { return std::make_unique<MpiTeam>(); }

}  // namespace patina::distributed
