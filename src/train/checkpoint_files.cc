#include "train/checkpoint_files.h"

#include <optional>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace patina::train {
namespace {

namespace fs = std::filesystem;

// A run that kept more may have left so many.
constexpr uint64_t kMost = 1000;

}  // namespace

CheckpointFiles::CheckpointFiles(fs::path newest, uint64_t keep) : newest_(std::move(newest)), keep_(keep) {
  if (keep < 1 || keep > kMost) fail(ErrorKind::kInvalidArgument, "--keep must be from 1 to {}", kMost);
}

fs::path CheckpointFiles::older(uint64_t age) const {
  fs::path path = newest_;
  if (age > 0) path += fmt::format(".{}", age);
  return path;
}

bool CheckpointFiles::any() const {
  std::error_code error;
  return fs::exists(newest_, error) || fs::exists(older(1), error);
}

void CheckpointFiles::move_on() const {
  std::error_code error;
  if (keep_ == 1 || !fs::exists(newest_, error)) return;
  for (uint64_t age = keep_ - 1; age > 1; --age) fs::rename(older(age - 1), older(age), error);
  // A second name first, so that the newest is there at every moment; file systems without such names take a copy.
  fs::path second = newest_;
  second += ".moving";
  fs::remove(second, error);
  fs::create_hard_link(newest_, second, error);
  if (error) fs::copy_file(newest_, second, fs::copy_options::overwrite_existing, error);
  if (!error) fs::rename(second, older(1), error);
}

uint64_t CheckpointFiles::bytes() const {
  uint64_t sum = 0;
  for (uint64_t age = 0; age < keep_; ++age) {
    std::error_code error;
    const uintmax_t size = fs::file_size(older(age), error);
    if (!error) sum += size;
  }
  return sum;
}

void CheckpointFiles::save(const Checkpoint& checkpoint, bool in_place) const {
  if (!in_place) move_on();
  save_checkpoint(newest_, checkpoint);
}

CheckpointFiles::Found CheckpointFiles::open_newest() const {
  Found found;
  std::optional<Error> first;
  for (uint64_t age = 0; age < kMost; ++age) {
    const fs::path path = older(age);
    std::error_code error;
    if (!fs::exists(path, error)) {
      if (age > 0) break;
      continue;
    }
    try {
      found.file = open_checkpoint(path);
      found.path = path;
      return found;
    } catch (const Error& damaged) {
      if (damaged.kind() == ErrorKind::kUnsupported) throw;
      if (!first) first = damaged;
      found.notes.emplace_back(damaged.what());
    }
  }
  if (first) throw Error(*first);
  fail(ErrorKind::kNotFound, "there is no {} to resume from; leave --resume out to begin anew", newest_.string());
}

}  // namespace patina::train
