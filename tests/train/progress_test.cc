#include "train/progress.h"

#include <nlohmann/json.hpp>

#include "train/duration.h"
#include "train/test_support.h"

namespace patina::train {
namespace {

constexpr StepRecord kRecord = {.step = 12,
                                .steps = 80,
                                .epoch = 2,
                                .epochs = 10,
                                .loss = 1.25,
                                .learning_rate = 1e-3,
                                .gradient_norm = 0.5,
                                .tokens = 90,
                                .seconds = 2};

TEST(Duration, IsRead) {
  EXPECT_EQ(parse_duration("45s"), 45);
  EXPECT_EQ(parse_duration("90m"), 5400);
  EXPECT_EQ(parse_duration("1h30m"), 5400);
  EXPECT_EQ(parse_duration("1.5h"), 5400);
  EXPECT_EQ(parse_duration("2d"), 172800);
  EXPECT_EQ(parse_duration("7"), 7);
  for (const char* bad : {"", "h", "2x", "-1h", "1h-", "0", "nan", "inf", "1e9h", "1 h", "99999999999999h"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(Duration, IsTold) {
  EXPECT_EQ(duration_text(0), "0:00");
  EXPECT_EQ(duration_text(65.4), "1:05");
  EXPECT_EQ(duration_text(7384), "2:03:04");
}

TEST(Progress, LineFitsItsWidth) {
  EXPECT_EQ(progress_line(kRecord, 65, 120),
            "[===                     ] epoch 2/10  step 12/80  loss 1.2500  45.0 tokens/s  1:05 left");
  EXPECT_EQ(progress_line(kRecord, 65, 80), "epoch 2/10  step 12/80  loss 1.2500  45.0 tokens/s  1:05 left");
  EXPECT_EQ(progress_line(kRecord, 65, 22), "epoch 2/10  step 12/80");
}

TEST(StepLog, HoldsALinePerStep) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "log.jsonl";
  {
    StepLog log(path, false);
    log.write(kRecord);
    const auto line = nlohmann::json::parse(read_file(path));  // there before the log is closed
    EXPECT_EQ(line.at("step"), 12);
    EXPECT_EQ(line.at("epoch"), 2);
    EXPECT_EQ(line.at("loss"), 1.25);
    EXPECT_EQ(line.at("learning_rate"), 1e-3);
    EXPECT_EQ(line.at("gradient_norm"), 0.5);
    EXPECT_EQ(line.at("tokens_per_second"), 45);
  }
  StepLog(path, true).write(kRecord);
  std::string text = read_file(path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  StepLog(path, false).write(kRecord);
  text = read_file(path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(StepLog, SaysWhereItCannotWrite) {
  const TemporaryFolder folder;
  expect_error([&] { StepLog(folder / "no/log", false); }, ErrorKind::kIo, "no/log");
  expect_error([&] { StepLog("/dev/full", false).write(kRecord); }, ErrorKind::kIo, "is the disk full?");
}

}  // namespace
}  // namespace patina::train
