#include "apps/flag_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "patina/error.h"

namespace patina::apps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(FlagFile, HoldsWhatFlagsNeed) {
  const auto flags = parse_flag_file(
      "# a run\nlora-rank = 16\n\n[train]  # a table\n\"lr\" = 2e-4 # the rate\r\n"
      "sample_prompt = [\"a # b\", 'c:\\n',\n  # between\n  \"\\u4e2d\\n\\\"\\U0001F600\",\n]\nresume=true\nnone = "
      "[]\nn = 1_000",
      "run.toml");
  ASSERT_EQ(flags.size(), 6);
  EXPECT_EQ(flags[0].name, "lora-rank");
  EXPECT_THAT(flags[0].values, ElementsAre("16"));
  EXPECT_EQ(flags[0].line, 2);
  EXPECT_EQ(flags[1].name, "lr");
  EXPECT_THAT(flags[1].values, ElementsAre("2e-4"));
  EXPECT_THAT(flags[2].values, ElementsAre("a # b", "c:\\n", "中\n\"😀"));
  EXPECT_THAT(flags[3].values, ElementsAre("true"));
  EXPECT_TRUE(flags[4].values.empty());
  EXPECT_THAT(flags[5].values, ElementsAre("1000"));
}

TEST(FlagFile, NamesTheLineOfWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {{"a = 1\nb", "run.toml:2: there is no name and ="},
                                                       {"= 1", "run.toml:1: there is no name"},
                                                       {"a = attn", "run.toml:1: text stands in quotes"},
                                                       {"a = \"x\ny\"", "run.toml:1: a text does not end"},
                                                       {"a = 1 2", "run.toml:1: something follows"},
                                                       {"a = [1 2]", "no comma"},
                                                       {"a = [1,\n", "run.toml:2: there is no value"},
                                                       {"a = \"\\q\"", "is no escape"},
                                                       {"a = \"\\ud800\"", "is no escape"},
                                                       {"[a", "has no ]"},
                                                       {"a =\n", "there is no value"},
                                                       {"a = \"", "ends within a value"}};
  for (const auto& [text, part] : cases) {
    try {
      parse_flag_file(text, "run.toml");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidData);
      EXPECT_THAT(error.what(), HasSubstr(part));
    }
  }
}

// Python's tomllib reads the same from this text.
TEST(FlagFile, ReadsWhatItWrites) {
  const std::vector<FileFlag> flags = {{"model", {"a b\\c \"d\".gguf"}, 0},
                                       {"epochs", {"2"}, 0},
                                       {"x", {"1e-4", "-5", "1.", "#", "\n\x01"}, 0},
                                       {"on", {"true"}, 0}};
  const std::string text = write_flag_file(flags);
  EXPECT_EQ(text,
            "model = \"a b\\\\c \\\"d\\\".gguf\"\nepochs = 2\nx = [1e-4, -5, \"1.\", \"#\", \"\\u000a\\u0001\"]\non = "
            "true\n");
  const auto read = parse_flag_file(text, "written");
  ASSERT_EQ(read.size(), flags.size());
  for (size_t i = 0; i < read.size(); ++i) {
    EXPECT_EQ(read[i].name, flags[i].name);
    EXPECT_EQ(read[i].values, flags[i].values);
  }
}

}  // namespace
}  // namespace patina::apps
