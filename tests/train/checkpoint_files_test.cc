#include "train/checkpoint_files.h"

#include <fmt/format.h>

#include "train/test_support.h"

namespace patina::train {
namespace {

class CheckpointFilesTest : public testing::Test {
 protected:
  static Checkpoint at(uint64_t step) {
    Checkpoint checkpoint;
    checkpoint.step = step;
    checkpoint.best = {.loss = 0.5, .step = step, .evaluations_since_best = 3};
    return checkpoint;
  }
  // What is on the disk, the newest first.
  std::vector<uint64_t> steps() const {
    std::vector<uint64_t> steps;
    for (const char* name : {"c", "c.1", "c.2", "c.3"}) {
      if (std::filesystem::exists(folder_ / name)) steps.push_back(open_checkpoint(folder_ / name).contents.step);
    }
    return steps;
  }
  void truncate(const char* name) const {
    std::filesystem::resize_file(folder_ / name, std::filesystem::file_size(folder_ / name) / 2);
  }

  TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_ / "c";
};

TEST_F(CheckpointFilesTest, KeepsAsManyAsAsked) {
  for (const uint64_t keep : {1, 2, 3}) {
    const CheckpointFiles files(folder_ / fmt::format("d{}", keep), keep);
    EXPECT_FALSE(files.any());
    for (uint64_t step = 1; step <= 5; ++step) files.save(at(step));
    EXPECT_TRUE(files.any());
    EXPECT_EQ(files.open_newest().file.contents.step, 5);
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_ / ""), {}), 1 + 2 + 3);
  const CheckpointFiles files(path_, 3);
  for (uint64_t step = 1; step <= 5; ++step) files.save(at(step));
  EXPECT_THAT(steps(), testing::ElementsAre(5, 4, 3));
  EXPECT_EQ(files.open_newest().file.contents.best.evaluations_since_best, 3);
  expect_error([&] { CheckpointFiles(path_, 0); }, ErrorKind::kInvalidArgument, "--keep");
}

TEST_F(CheckpointFilesTest, GoesBackToTheOneBefore) {
  const CheckpointFiles files(path_, 3);
  for (uint64_t step = 1; step <= 3; ++step) files.save(at(step));
  truncate("c");
  CheckpointFiles::Found found = files.open_newest();
  EXPECT_EQ(found.file.contents.step, 2);
  EXPECT_EQ(found.path, folder_ / "c.1");
  EXPECT_THAT(found.notes, testing::ElementsAre(testing::HasSubstr((folder_ / "c").string())));
  std::filesystem::remove(path_);
  EXPECT_EQ(files.open_newest().file.contents.step, 2);
  truncate("c.1");
  truncate("c.2");
  expect_error([&] { files.open_newest(); }, ErrorKind::kInvalidData, "c.1");
}

// A save that fails halfway must not cost the one that a run has gone on from.
TEST_F(CheckpointFilesTest, ADamagedOneTakesNoPlace) {
  const CheckpointFiles files(path_, 2);
  for (uint64_t step = 1; step <= 2; ++step) files.save(at(step));
  truncate("c");
  files.save(at(3), true);
  EXPECT_THAT(steps(), testing::ElementsAre(3, 1));
  EXPECT_EQ(files.bytes(), std::filesystem::file_size(folder_ / "c") + std::filesystem::file_size(folder_ / "c.1"));
}

TEST_F(CheckpointFilesTest, SaysWhereThereIsNone) {
  expect_error([&] { CheckpointFiles(path_, 2).open_newest(); }, ErrorKind::kNotFound, "leave --resume out");
}

}  // namespace
}  // namespace patina::train
