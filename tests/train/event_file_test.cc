#include "train/event_file.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "train/test_support.h"

namespace patina::train {
namespace {

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<uint8_t>(byte) >> 4];
    text += kDigits[static_cast<uint8_t>(byte) & 0xF];
  }
  return text;
}

// The values of RFC 3720, appendix B.4, and of the CRC catalogue's check.
TEST(EventFile, ChecksumIsThatOfTheStandard) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AA);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283);
}

// scripts/golden/events.py
TEST(EventFile, RecordsAreTensorboardsOwn) {
  const auto golden = nlohmann::json::parse(read_file(PATINA_SOURCE_DIR "/tests/golden/train/events.json"));
  const double time = golden.at("wall_time");
  EXPECT_EQ(hexadecimal(frame_record(encode_file_version(time))), golden.at("version").get<std::string>());
  for (const auto& record : golden.at("records")) {
    std::vector<Scalar> scalars;
    scalars.reserve(record.at("scalars").size());
    for (const auto& [tag, value] : record.at("scalars").items()) scalars.push_back({tag, value.get<double>()});
    const auto expected = record.at("record").get<std::string>();
    const std::string got = hexadecimal(frame_record(encode_event(time, record.at("step"), scalars)));
    EXPECT_EQ(got, expected);
  }
}

TEST(EventFile, HoldsTheVersionAndWhatIsWritten) {
  const TemporaryFolder folder;
  EventFile file(folder / "made/here");
  const std::vector<Scalar> scalars = {{"loss", 1}};
  file.write(7, scalars);
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "made/here")) {
    EXPECT_THAT(entry.path().filename().string(), testing::HasSubstr("tfevents"));  // what TensorBoard looks for
    EXPECT_EQ(entry.file_size(),
              frame_record(encode_file_version(0)).size() + frame_record(encode_event(0, 7, scalars)).size());
    ++count;
  }
  EXPECT_EQ(count, 1);
}

TEST(EventFile, SaysWhereItCannotWrite) {
  const TemporaryFolder folder;
  write_file(folder / "file", "x");
  expect_error([&] { EventFile(folder / "file/events"); }, ErrorKind::kIo, "--tensorboard");
}

}  // namespace
}  // namespace patina::train
