#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "e2e/program.h"

namespace patina::e2e {

struct Pair {
  std::string question;
  std::string answer;
};

inline const std::vector<Pair>& rows() {
  static const std::vector<Pair> rows = {{"讲一个笑话。", "为什么鱼不说话？因为它们怕水泄露秘密！"},
                                         {"苹果和橙子哪个更甜？", "通常来说，苹果比橙子甜，不过也要看品种。"}};
  return rows;
}

// Two rows in a folder, and the program that learns from them.
class FinetuneFixture : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(std::filesystem::exists(model_path())) << model_path() << " is not there";
    std::string text;
    for (const Pair& row : rows()) {
      text += "### Instruction:\n" + row.question + "\n### Response:\n" + row.answer + "\n";
    }
    write("rows.txt", text);
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  Outcome finetune(std::vector<std::string> arguments, const std::string& setup = ":") const {
    arguments.insert(arguments.begin(), {"finetune", "-m", model_.string(), "-t", "2"});
    return run(arguments, "", setup);
  }

  std::string ask(const std::string& question, const std::string& temperature, int seed) const {
    return run({"main", "-m", model_.string(), "-t", "2", "--lora", folder_ / "lora.bin", "-p", question, "--temp",
                temperature, "--seed", std::to_string(seed), "-q", "--no-display-prompt"})
        .out;
  }

  // Trained with one of `flags` and data, the run is refused and the adapter that was there stays.
  void expect_refused(const std::string& data, const std::vector<std::string>& flags, const std::string& part) const {
    write("lora.bin", "precious");
    write("data.txt", data);
    std::vector<std::string> arguments = {"--train-data", folder_ / "data.txt", "--save-path", folder_ / "lora.bin"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    const Outcome outcome = finetune(arguments);
    EXPECT_GT(outcome.code, 0);
    EXPECT_THAT(outcome.err, testing::HasSubstr("error: "));
    EXPECT_THAT(outcome.err, testing::HasSubstr(part));
    EXPECT_EQ(read_file(folder_ / "lora.bin"), "precious");
  }

  TemporaryFolder folder_;
  std::filesystem::path model_ = model_path();
};

}  // namespace patina::e2e
