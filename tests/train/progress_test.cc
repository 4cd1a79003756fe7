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

TEST(Progress, LineHoldsWhatFits) {
  const std::vector<double> losses = {3, 2, 1};
  const ProgressExtras extras = {.losses = losses, .memory_bytes = uint64_t{3} << 29};
  const std::string end = "45.0 tokens/s  1.5 GiB  1:05 left";
  const std::string spark = "epoch 2/10  step 12/80  loss 1.2500 █▅▁  " + end;
  EXPECT_EQ(progress_line(kRecord, 65, 120, extras), "[===                     ] " + spark);
  EXPECT_EQ(progress_line(kRecord, 65, 90, extras), spark);
  EXPECT_EQ(progress_line(kRecord, 65, 71, extras), "epoch 2/10  step 12/80  loss 1.2500  " + end);
  EXPECT_EQ(progress_line(kRecord, 65, 64, extras), "epoch 2/10  step 12/80  loss 1.2500  45.0 tokens/s  1:05 left");
}

TEST(Progress, SparklineAveragesWhatIsMany) {
  EXPECT_EQ(sparkline({}, 4), "");
  EXPECT_EQ(sparkline(std::vector<double>{5, 5}, 4), "▁▁");
  EXPECT_EQ(sparkline(std::vector<double>{0, 2, 7, 9, 14, 16}, 3), "▁▅█");
}

TEST(StepLog, HoldsALinePerStep) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "log.jsonl";
  {
    StepLog log(path, std::nullopt);
    log.write(kRecord);
    const auto line = nlohmann::json::parse(read_file(path));  // there before the log is closed
    EXPECT_EQ(line.at("step"), 12);
    EXPECT_EQ(line.at("epoch"), 2);
    EXPECT_EQ(line.at("loss"), 1.25);
    EXPECT_EQ(line.at("learning_rate"), 1e-3);
    EXPECT_EQ(line.at("gradient_norm"), 0.5);
    EXPECT_EQ(line.at("tokens_per_second"), 45);
  }
  StepLog(path, 12).write(kRecord);
  std::string text = read_file(path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  write_file(path, text + "{\"step\": 9");  // killed while it wrote
  StepLog(path, 11).write(kRecord);         // step 12 is made anew
  text = read_file(path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  StepLog(path, std::nullopt).write(kRecord);
  text = read_file(path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(StepLog, SaysWhereItCannotWrite) {
  const TemporaryFolder folder;
  expect_error([&] { StepLog(folder / "no/log", std::nullopt); }, ErrorKind::kIo, "no/log");
  expect_error([&] { StepLog("/dev/full", std::nullopt).write(kRecord); }, ErrorKind::kIo, "is the disk full?");
}

}  // namespace
}  // namespace patina::train
