#include "distributed/launch.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "platform/cores.h"

namespace patina::distributed {
namespace {

Launch launch_with(const std::map<std::string, std::string>& variables) {
  return launch([&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

TEST(Launch, TakesWhatMpirunTells) {
  const Launch told =
      launch_with({{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "8"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  EXPECT_EQ(told.rank, 3);
  EXPECT_EQ(told.processes, 8);
  EXPECT_EQ(told.here, 2);
}

TEST(Launch, IsAloneWithoutMpirunOrWithNonsense) {
  const std::map<std::string, std::string> nonsense = {
      {"OMPI_COMM_WORLD_RANK", "-1"}, {"OMPI_COMM_WORLD_SIZE", "2x"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "0"}};
  for (const Launch& told : {launch_with({}), launch_with(nonsense)}) {
    EXPECT_EQ(told.rank, 0);
    EXPECT_EQ(told.processes, 1);
    EXPECT_EQ(told.here, 1);
  }
}

TEST(Launch, ProcessesShareTheCores) {
  const int all = platform::default_threads();
  EXPECT_EQ(default_threads({.rank = 0, .processes = 1, .here = 1}), all);
  EXPECT_EQ(default_threads({.rank = 0, .processes = 4, .here = 1}), all);
  EXPECT_EQ(default_threads({.rank = 0, .processes = 4, .here = 2}), std::max(all / 2, 1));
  EXPECT_EQ(default_threads({.rank = 0, .processes = 5000, .here = 5000}), 1);
  EXPECT_EQ(binding_hint({.rank = 0, .processes = 4, .here = 4}), "");  // nothing has bound the test
}

}  // namespace
}  // namespace patina::distributed
