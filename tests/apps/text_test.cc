#include "apps/text.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "patina/error.h"

namespace patina::apps {
namespace {

TEST(Unescape, KnowsWhatCommandLinesWrite) {
  EXPECT_EQ(unescape(R"(a\nb\tc\rd)"), "a\nb\tc\rd");
  EXPECT_EQ(unescape(R"(\"\'\\n)"), "\"'\\n");
  EXPECT_EQ(unescape(R"(\x41\xe4\xBD\xa0)"), "A\xe4\xbd\xa0");
}

TEST(Unescape, LeavesOtherBackslashes) {
  EXPECT_EQ(unescape(R"(\d \x4 \xg1 \x-1 end\)"), R"(\d \x4 \xg1 \x-1 end\)");
  EXPECT_EQ(unescape(""), "");
}

TEST(ReadTextFile, DropsOneLineEnd) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "patina_read_text_file_test";
  std::ofstream(path) << "one\ntwo\n\n";
  EXPECT_EQ(read_text_file(path), "one\ntwo\n");
  std::ofstream(path, std::ios::binary) << "\xEF\xBB\xBFone\r\ntwo\r\n";
  EXPECT_EQ(read_text_file(path), "one\r\ntwo");
  std::ofstream(path, std::ios::binary) << std::string("\xFF\xFEo\0", 4);
  EXPECT_THROW(read_text_file(path), Error);
  std::filesystem::remove(path);
}

TEST(ReadFile, KeepsEveryByte) {
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "patina_read_file_test";
  const std::string bytes("one\r\n\0two\n\n", 11);
  std::ofstream(path, std::ios::binary) << bytes;
  EXPECT_EQ(read_file(path), bytes);
  std::filesystem::remove(path);
}

TEST(ReadFile, SaysWhatIsWrong) {
  const auto told = [](const std::filesystem::path& path) -> std::pair<ErrorKind, std::string> {
    try {
      read_file(path);
    } catch (const Error& error) {
      return {error.kind(), error.what()};
    }
    ADD_FAILURE() << path << " was read";
    return {};
  };
  EXPECT_EQ(told("/no/such/file"),
            std::pair(ErrorKind::kNotFound, std::string("cannot open /no/such/file: No such file or directory")));
  EXPECT_EQ(told("/"), std::pair(ErrorKind::kIo, std::string("cannot read /: Is a directory")));
  EXPECT_THROW(read_text_file("/"), Error);
}

}  // namespace
}  // namespace patina::apps
