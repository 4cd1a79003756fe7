// Compares with other tokenizers over full vocabularies that are too large to commit. scripts/oracle_tokenizer.py makes
// the files; PATINA_ORACLE_VOCABS names their folder. PATINA_ORACLE_TEMPLATES names what scripts/golden/chat.py writes
// with --with-sources.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tokenizer/chat_template.h"
#include "tokenizer/golden.h"
#include "tokenizer/tokenizer.h"

namespace patina::tokenizer {
namespace {

void check_file(const std::filesystem::path& path) {
  SCOPED_TRACE(path.filename().string());
  const nlohmann::json file = golden::load(path);
  const auto tokenizer = Tokenizer::create(golden::vocab_from(file.at("vocab")));
  ASSERT_FALSE(file.at("cases").empty());
  for (const auto& one : file.at("cases")) {
    const std::string text = golden::text_from_hex(one.at("hex"));
    SCOPED_TRACE(text);
    const EncodeOptions options{one.value("add_special", false), one.value("parse_special", false)};
    const std::vector<TokenId> ids = tokenizer->encode(text, options);
    EXPECT_EQ(ids, one.at("ids").get<std::vector<TokenId>>());
    const bool space_mark = tokenizer->vocab().model == "llama" && text.find("\u2581") != std::string::npos;
    EXPECT_TRUE(space_mark || tokenizer->decode(ids, true) == text);
  }
}

TEST(Oracle, FullVocabulariesAgree) {
  const char* folder = std::getenv("PATINA_ORACLE_VOCABS");
  if (folder == nullptr) GTEST_SKIP() << "PATINA_ORACLE_VOCABS is not set; make test-oracles sets it";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    check_file(entry.path());
    ++files;
  }
  EXPECT_GT(files, 0) << "no vocabularies in " << folder;
}

TEST(Oracle, RealTemplatesAreRecognised) {
  const char* path = std::getenv("PATINA_ORACLE_TEMPLATES");
  if (path == nullptr) GTEST_SKIP() << "PATINA_ORACLE_TEMPLATES is not set; make test-oracles sets it";
  for (const auto& one : golden::load(path)) {
    const auto format = recognise_chat_format(one.at("jinja").get<std::string>());
    EXPECT_EQ(format ? chat_format_name(*format) : "", one.at("format").get<std::string>()) << one.at("name");
  }
}

}  // namespace
}  // namespace patina::tokenizer
