#include "apps/text.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

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
  std::filesystem::remove(path);
}

TEST(ReadTextFile, SaysWhatIsWrong) {
  try {
    read_text_file("/no/such/file");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kNotFound);
  }
  EXPECT_THROW(read_text_file("/"), Error);
}

}  // namespace
}  // namespace patina::apps
