#include "kernels/dispatch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/error.h"

namespace patina::kernels {
namespace {

// Sets PATINA_ISA for the length of a test.
class Forced {
 public:
  explicit Forced(const char* word) {
    if (const char* before = std::getenv("PATINA_ISA")) before_ = before;
    setenv("PATINA_ISA", word, 1);
  }
  ~Forced() {
    if (before_.empty()) {
      unsetenv("PATINA_ISA");
    } else {
      setenv("PATINA_ISA", before_.c_str(), 1);
    }
  }
  Forced(const Forced&) = delete;
  Forced& operator=(const Forced&) = delete;

 private:
  std::string before_;
};

template <typename Call>
std::pair<ErrorKind, std::string> error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return {error.kind(), error.what()};
  }
  ADD_FAILURE() << "no error";
  return {};
}

TEST(Dispatch, ScalarIsAlwaysThereAndFirst) {
  const auto levels = available_levels();
  ASSERT_FALSE(levels.empty());
  EXPECT_EQ(levels.front(), Level::kScalar);
  for (const Level level : levels) EXPECT_EQ(kernels_for(level).level, level);
}

// Sums side by side times the pairs that one instruction multiplies.
TEST(Dispatch, PeaksCountTheirMultiplyAdds) {
  for (const Level level : available_levels()) {
    if (level == Level::kScalar) continue;
    const bool amx = level == Level::kAmx;
    const bool avx512 = level == Level::kAvx512 || level == Level::kZen4 || amx;
    const bool neon = level == Level::kNeon;
    const PeakKernels& peak = kernels_for(level).peak;
    EXPECT_EQ(peak.f32(10), 10 * (avx512 ? 24 * 16 : neon ? 24 * 4 : 12 * 8));
    EXPECT_EQ(peak.int8(10), 10 * (amx ? 4 * 16 * 16 * 32 : avx512 ? 24 * 64 : neon ? 24 * 16 : 12 * 32));
    EXPECT_EQ(peak.int16(10), 10 * (amx ? 4 * 16 * 16 * 32 : avx512 ? 24 * 32 : neon ? 24 * 4 : 12 * 16));
  }
}

TEST(Dispatch, TheBestLevelIsTheDefault) {
  const Forced none("");
  EXPECT_EQ(default_kernels().level, available_levels().back());
}

// AVX-512 multiplies twice as much at a time as AVX-VNNI.
TEST(Dispatch, LevelsAreInTheOrderOfTheirStrength) {
  const std::vector<Level> levels = available_levels();
  EXPECT_TRUE(std::is_sorted(levels.begin(), levels.end()));
  EXPECT_LT(Level::kAvx2, Level::kAvxVnni);
  EXPECT_LT(Level::kAvxVnni, Level::kAvx512);
  EXPECT_LT(Level::kAvx512, Level::kZen4);
  EXPECT_LT(Level::kZen4, Level::kAmx);
}

TEST(Dispatch, TheEnvironmentForcesALevel) {
  for (const Level level : available_levels()) {
    const std::string name(kernels_for(level).name);
    const Forced forced(name.c_str());
    EXPECT_EQ(default_kernels().level, level);
    EXPECT_EQ(&default_kernels(), &kernels_for(level));
  }
}

TEST(Dispatch, AnUnknownWordIsRefusedWithTheWordsThatWork) {
  const Forced forced("sse9");
  const auto [kind, sentence] = error_of([] { default_kernels(); });
  EXPECT_EQ(kind, ErrorKind::kInvalidArgument);
  EXPECT_THAT(sentence, ::testing::AllOf(::testing::HasSubstr("sse9"), ::testing::HasSubstr("scalar"),
                                         ::testing::HasSubstr("avxvnni"), ::testing::HasSubstr("avx512"),
                                         ::testing::HasSubstr("zen4"), ::testing::HasSubstr("amx"),
                                         ::testing::HasSubstr("neon")));
}

TEST(Dispatch, AMissingLevelIsRefusedWithTheLevelsThatWork) {
#if defined(__aarch64__)
  const char* word = "avx2";
#else
  const char* word = "neon";
#endif
  const Forced forced(word);
  const auto [kind, sentence] = error_of([] { default_kernels(); });
  EXPECT_EQ(kind, ErrorKind::kUnsupported);
  EXPECT_THAT(sentence, ::testing::HasSubstr(word));
  for (const Level level : available_levels()) {
    EXPECT_THAT(sentence, ::testing::HasSubstr(std::string(kernels_for(level).name)));
  }
}

}  // namespace
}  // namespace patina::kernels
