#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "train/checkpoint.h"

namespace patina::train {

// The checkpoints that a run keeps: the newest at a path, the one before it at that path with ".1" behind it, and so
// on.
class CheckpointFiles {
 public:
  // `keep`: how many, at least 1; throws kInvalidArgument for 0.
  CheckpointFiles(std::filesystem::path newest, uint64_t keep);

  const std::filesystem::path& newest() const { return newest_; }
  // Whether there is one, whole or not.
  bool any() const;

  // Bytes of those that there are.
  uint64_t bytes() const;

  // Saves the newest, after the others have moved on by one. At every moment there is a whole newest one, if there was
  // before. Throws kIo; then what was the newest still is. `in_place`: the newest is damaged, and the others are not to
  // move on.
  void save(const Checkpoint& checkpoint, bool in_place = false) const;

  // What open_newest() found.
  struct Found {
    CheckpointFile file;
    std::filesystem::path path;
    std::vector<std::string> notes;  // a sentence for each newer one that was damaged
  };
  // The newest that is whole. Throws kNotFound where there is none at all, and what the newest one's reading threw
  // where none is whole.
  Found open_newest() const;

 private:
  std::filesystem::path older(uint64_t age) const;  // 0: the newest
  void move_on() const;

  std::filesystem::path newest_;
  uint64_t keep_;
};

}  // namespace patina::train
