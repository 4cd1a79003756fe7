#include "train/data/text_encoding.h"

#include "train/test_support.h"

namespace patina::train {
namespace {

using namespace std::string_literals;  // NOLINT(google-build-using-namespace)

std::string decode(const std::string& bytes, TextEncoding encoding = TextEncoding::kAuto) {
  const std::string text = converted_to_utf8(bytes, encoding, "data.txt").value_or(bytes);
  try {
    check_utf8(text, {0, text.size()});
  } catch (const RowError& error) {
    throw Error(ErrorKind::kInvalidData, "offset " + std::to_string(error.offset()) + ": " + error.what());
  }
  return text;
}

// The UTF-16 bytes of text in the basic plane and beyond.
std::string utf16(const std::u16string& text, bool little) {
  std::string bytes;
  for (const char16_t unit : text) {
    const char low = static_cast<char>(unit & 0xFF);
    const char high = static_cast<char>(unit >> 8);
    bytes += little ? low : high;
    bytes += little ? high : low;
  }
  return bytes;
}

TEST(TextEncoding, LeavesUtf8AsItIs) {
  EXPECT_EQ(decode(""), "");
  EXPECT_EQ(decode("讲一个笑话。\n🐟"), "讲一个笑话。\n🐟");
}

TEST(TextEncoding, RecognisesUtf16ByItsMarkOrItsZeros) {
  const std::u16string text = u"### Instruction:\r\n讲一个笑话。一一一一一一一一一一\r\n### Response:\r\n鱼\U0001F41F";
  const std::string expected = "### Instruction:\r\n讲一个笑话。一一一一一一一一一一\r\n### Response:\r\n鱼🐟";
  for (const bool little : {true, false}) {
    EXPECT_EQ(decode(utf16(u"\uFEFF" + text, little)), "\uFEFF" + expected);
    EXPECT_EQ(decode(utf16(text, little)), expected);
    EXPECT_EQ(decode(utf16(u"\uFEFF讲一个笑话。", little)), "\uFEFF讲一个笑话。");
  }
  EXPECT_EQ(decode(utf16(u"讲。", true), TextEncoding::kUtf16), "讲。");
}

TEST(TextEncoding, ConvertsGb18030OnRequest) {
  // "讲一个笑话。" in GB2312's part, and U+20000 in four bytes.
  const std::string bytes = "\xBD\xB2\xD2\xBB\xB8\xF6\xD0\xA6\xBB\xB0\xA1\xA3\r\n\x95\x32\x82\x36";
  EXPECT_EQ(decode(bytes, TextEncoding::kGb18030), "讲一个笑话。\r\n𠀀");
  expect_error([&] { decode("abc\n" + bytes); }, ErrorKind::kInvalidData, "the byte 0xBD at offset 4");
  expect_error([&] { decode(bytes); }, ErrorKind::kInvalidData, "--encoding gb18030");
}

TEST(TextEncoding, ConvertsLongText) {
  std::string bytes;
  std::string expected;
  for (int i = 0; i < 50000; ++i) {
    bytes += "\xD2\xBB";
    expected += "一";
  }
  EXPECT_EQ(decode(bytes, TextEncoding::kGb18030), expected);
}

TEST(TextEncoding, NamesLineAndOffsetOfBadBytes) {
  expect_error([] { decode("a\r\nb\rc\n\xC3("); }, ErrorKind::kInvalidData, "offset 7: the byte 0xC3 at offset 7");
  expect_error([] { decode("cut short \xE8\xAE"); }, ErrorKind::kInvalidData, "offset 10");
  expect_error(
      [] {
        decode(
            "\xFF\xFE"
            "a\0\n\0\x00\xD8"
            "b\0"s);
      },
      ErrorKind::kInvalidData, "data.txt:2:");
  expect_error(
      [] {
        decode(
            "\xFF\xFE"
            "a\0b"s);
      },
      ErrorKind::kInvalidData, "offset 4");
  expect_error([] { decode("\xB8\xF6\n\xFF", TextEncoding::kGb18030); }, ErrorKind::kInvalidData, "data.txt:2:");
  expect_error([] { decode("a\nb\0c"s); }, ErrorKind::kInvalidData, "offset 3: a NUL character");
  expect_error([] { decode("GGUF\3\0\0\0"s); }, ErrorKind::kInvalidData, "offset 5: a NUL character");
}

TEST(TextEncoding, KnowsEncodingsByName) {
  EXPECT_EQ(text_encoding_from_name("GB18030"), TextEncoding::kGb18030);
  EXPECT_EQ(text_encoding_from_name("gbk"), TextEncoding::kGb18030);
  EXPECT_EQ(text_encoding_from_name("UTF-8"), TextEncoding::kUtf8);
  EXPECT_EQ(text_encoding_from_name("utf16"), TextEncoding::kUtf16);
  EXPECT_EQ(text_encoding_from_name("auto"), TextEncoding::kAuto);
  EXPECT_EQ(text_encoding_from_name("latin1"), std::nullopt);
}

}  // namespace
}  // namespace patina::train
