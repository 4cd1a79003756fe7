#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "e2e/program.h"
#include "e2e/terminal.h"

namespace patina::e2e {
namespace {

using testing::HasSubstr;

const std::string kCtrlC = "\x03";
const std::string kCtrlD = "\x04";
const std::string kArrowUp = "\x1b[A";
const std::string kArrowLeft = "\x1b[D";
const std::string kPrompt = "> ";

class Chat : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(std::filesystem::exists(model_path())) << model_path() << " is not there"; }

  std::vector<std::string> arguments(std::vector<std::string> more) const {
    more.insert(more.begin(), {"main", "-m", model_path().string(), "-t", "2", "--temp", "0", "-v"});
    return more;
  }

  TemporaryFolder state_;
};

TEST_F(Chat, AnswersAndLeaves) {
  Terminal terminal(arguments({"-n", "8"}), state_ / "");
  EXPECT_THAT(terminal.wait_for(kPrompt), HasSubstr("/help"));
  terminal.type("What is the sun?\n");
  EXPECT_THAT(terminal.wait_for(kPrompt), HasSubstr("What is the sun?"));
  terminal.type("/nonsense\n");
  EXPECT_THAT(terminal.wait_for("/exit"), HasSubstr("no /nonsense"));
  terminal.type("/exit\n");
  EXPECT_EQ(terminal.wait_for_end(), 0);
}

TEST_F(Chat, TakesWideCharactersAndEdits) {
  Terminal terminal(arguments({"-n", "4"}), state_ / "");
  terminal.wait_for(kPrompt);
  terminal.type("/你好" + kArrowLeft + kArrowLeft + "很\n");
  EXPECT_THAT(terminal.wait_for("Ctrl-C"), HasSubstr("There is no /很你好"));
  terminal.type(kCtrlD);
  EXPECT_EQ(terminal.wait_for_end(), 0);
}

TEST_F(Chat, StopsAnAnswerAndGoesOn) {
  Terminal terminal(arguments({"--ignore-eos", "-c", "4096"}), state_ / "");
  terminal.wait_for(kPrompt);
  terminal.type("Tell me a long story.\n");
  terminal.wait_for("story.\r\n");
  terminal.wait_for("e");  // the answer has begun
  terminal.type(kCtrlC);
  EXPECT_THAT(terminal.wait_for(kPrompt), HasSubstr(kPrompt));
  terminal.type("half a line" + kCtrlC);
  EXPECT_THAT(terminal.wait_for("leaves)"), HasSubstr("/exit"));
  terminal.type("/exit\n");
  EXPECT_EQ(terminal.wait_for_end(), 0);
}

TEST_F(Chat, KeepsItsHistory) {
  {
    Terminal terminal(arguments({"-n", "1"}), state_ / "");
    terminal.wait_for(kPrompt);
    terminal.type("/幸会\n");
    terminal.wait_for("Ctrl-C");
    terminal.type("/exit\n");
    EXPECT_EQ(terminal.wait_for_end(), 0);
  }
  Terminal terminal(arguments({"-n", "1"}), state_ / "");
  terminal.wait_for(kPrompt);
  terminal.type(kArrowUp + kArrowUp + "\n");
  EXPECT_THAT(terminal.wait_for("Ctrl-C"), HasSubstr("There is no /幸会"));
  terminal.type("/exit\n");
  EXPECT_EQ(terminal.wait_for_end(), 0);
}

}  // namespace
}  // namespace patina::e2e
