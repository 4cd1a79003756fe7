#include "apps/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>

#include "apps/flags_model.h"
#include "apps/flags_sampling.h"
#include "base/error.h"

namespace patina::apps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

struct Options {
  std::string prompt;
  std::string system;
  int predict = -1;
  bool raw = false;
  std::vector<std::string> stops;
  std::vector<std::string> rest;
  ModelFlags model;
  ComputeFlags compute;
  ContextFlags context;
  AdapterFlags adapters;
  SamplingFlags sampling;
};

// The options after `arguments`, of a command that has most kinds of flags.
Options parse(std::vector<std::string> arguments) {
  Options options;
  const Invocation call{.program = "patina test", .arguments = std::move(arguments)};
  CommandLine line(call, "A command.");
  line.add("-p,--prompt", options.prompt, "X", "text");
  line.add("--sys", options.system, "X", "text");
  line.add("-n,--predict", options.predict, "X", "tokens");
  line.add_switch("--raw", options.raw, "no template");
  line.add_repeatable("-r,--reverse-prompt", options.stops, "TEXT", "stop there");
  line.add("rest", options.rest, "X", "files");
  add_model_flags(line, options.model);
  line.flag("--model").required(false);
  add_compute_flags(line, options.compute);
  add_context_flags(line, options.context);
  add_adapter_flags(line, options.adapters);
  add_sampling_flags(line, options.sampling);
  EXPECT_TRUE(line.parse());
  return options;
}

std::string complaint(std::vector<std::string> arguments) {
  try {
    parse(std::move(arguments));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    return error.what();
  }
  return "none";
}

TEST(CommandLine, ReadsNamesInEveryForm) {
  EXPECT_EQ(parse({"-m", "a.gguf"}).model.path, "a.gguf");
  EXPECT_EQ(parse({"--model=a=b.gguf"}).model.path, "a=b.gguf");
  EXPECT_EQ(parse({"-sys", "be brief"}).system, "be brief");
  EXPECT_EQ(parse({"--reverse_prompt", "a_b"}).stops, std::vector<std::string>{"a_b"});
  EXPECT_EQ(parse({"--top_k=3"}).sampling.params.top_k, 3);
  EXPECT_EQ(parse({"-t4"}).compute.threads, 4);
  EXPECT_TRUE(parse({"--raw"}).raw);
}

TEST(CommandLine, TakesAnyTextAsAValue) {
  EXPECT_EQ(parse({"-p", "- one"}).prompt, "- one");
  EXPECT_EQ(parse({"-p", "--raw"}).prompt, "--raw");
  EXPECT_EQ(parse({"-p", "--"}).prompt, "--");
  EXPECT_EQ(parse({"-p", ""}).prompt, "");
  EXPECT_EQ(parse({"-p", "[1, 2]"}).prompt, "[1, 2]");
  EXPECT_EQ(parse({"-p", "{}"}).prompt, "{}");
  EXPECT_EQ(parse({"-p", "\"quoted\""}).prompt, "\"quoted\"");
  EXPECT_EQ(parse({"-p", "讲一个笑话。"}).prompt, "讲一个笑话。");
  EXPECT_THAT(parse({"-r", "[a,b]", "-r", "--"}).stops, ElementsAre("[a,b]", "--"));
}

TEST(CommandLine, TakesNegativeNumbersAsValues) {
  EXPECT_EQ(parse({"--seed", "-1"}).sampling.seed, -1);
  EXPECT_EQ(parse({"-n", "-2"}).predict, -2);
  EXPECT_FLOAT_EQ(parse({"--presence-penalty", "-.5"}).sampling.params.presence_penalty, -0.5F);
}

TEST(CommandLine, LetsTheLastOfSeveralCount) {
  const Options options = parse({"--temp", "0.1", "-p", "a", "--temperature", "0.7", "-p", "b"});
  EXPECT_FLOAT_EQ(options.sampling.params.temperature, 0.7F);
  EXPECT_EQ(options.prompt, "b");
}

TEST(CommandLine, CollectsRepeatableFlagsAndPositionals) {
  const Options options = parse({"--lora", "a.bin", "one", "--lora-adapter", "b.bin", "two", "--", "-three"});
  EXPECT_THAT(options.adapters.files, ElementsAre("a.bin", "b.bin"));
  EXPECT_THAT(options.rest, ElementsAre("one", "two", "-three"));
}

TEST(CommandLine, TakesWordsInAnyCase) {
  EXPECT_EQ(parse({"--cache-type-k", "Q8_0"}).context.key_type, "q8_0");
  EXPECT_THAT(complaint({"--cache-type-k", "q4_0"}), HasSubstr("not in {f16,q8_0}"));
}

TEST(CommandLine, NamesTheNearestKnownFlag) {
  EXPECT_THAT(complaint({"--promt", "x"}), StartsWith("unknown flag --promt; did you mean --prompt?"));
  EXPECT_THAT(complaint({"--topk=3"}), StartsWith("unknown flag --topk; did you mean --top-k?"));
  EXPECT_THAT(complaint({"-N", "3"}), StartsWith("unknown flag -N; did you mean -n?"));
  EXPECT_THAT(complaint({"-promt", "3"}), StartsWith("unknown flag -promt; did you mean --prompt?"));
}

TEST(CommandLine, RefusesUnusableValues) {
  EXPECT_THAT(complaint({"-n"}), HasSubstr("-n needs a value"));
  EXPECT_THAT(complaint({"-n", "many"}), HasSubstr("many"));
  EXPECT_THAT(complaint({"-n", "99999999999"}), HasSubstr("99999999999"));
  EXPECT_THAT(complaint({"--raw=1"}), HasSubstr("--raw takes no value"));
  EXPECT_THAT(complaint({"--seed", "-2"}), HasSubstr("--seed"));
  EXPECT_THAT(complaint({"--rms-norm-eps", "0"}), HasSubstr("--rms-norm-eps"));
  EXPECT_THAT(complaint({"-c", "16777217"}), HasSubstr("--ctx-size: 16777217 is not from 0 to 16777216;"));
  EXPECT_THAT(complaint({"-c", "abc"}), HasSubstr("--ctx-size: 'abc' is no whole number;"));
  EXPECT_THAT(complaint({"-n", "24", "-n", "x"}), HasSubstr(": 'x' is no whole number;"));
  EXPECT_THAT(complaint({"-n", ""}), HasSubstr(": '' is no whole number;"));
  EXPECT_THAT(complaint({"--temp", ""}), HasSubstr(": '' is no number;"));
}

TEST(CommandLine, RefusesWhatNoSamplerMakesSenseOf) {
  for (const char* name :
       {"--temp", "--top-p", "--min-p", "--repeat-penalty", "--presence-penalty", "--frequency-penalty"}) {
    for (const char* value : {"nan", "inf", "1e400", "-101", "101"}) {
      EXPECT_THAT(complaint({name, value}), HasSubstr(value)) << name;
    }
  }
  EXPECT_THAT(complaint({"--temp", "-1"}), HasSubstr("-1 is not from 0 to 100;"));
  EXPECT_THAT(complaint({"--repeat-penalty", "0"}), HasSubstr("0 is not from 0.01 to 100;"));
  EXPECT_THAT(complaint({"--top-k", "-2"}), HasSubstr("-2 is not from -1 to "));
  EXPECT_EQ(complaint({"--temp", "0", "--top-p", "1", "--min-p", "0", "--top-k", "-1"}), "none");
}

TEST(CommandLine, RefusesWholeNumbersThatTheirTypeCannotHold) {
  struct {
    size_t count = 64;
    std::optional<size_t> maybe;
    int64_t whole = 0;
  } values;
  const auto told = [&](std::vector<std::string> arguments) -> std::string {
    const Invocation call{.program = "patina test", .arguments = std::move(arguments)};
    CommandLine line(call, "A command.");
    line.add("--count", values.count, "N", "items");
    line.add("--maybe", values.maybe, "N", "items");
    line.add("--whole", values.whole, "N", "items");
    try {
      line.parse();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
      return error.what();
    }
    return "";
  };
  const std::string negative = ": -1 is no whole number of 0 or more; `patina test --help` explains the flags";
  EXPECT_EQ(told({"--count", "-1"}), "--count" + negative);
  EXPECT_EQ(told({"--maybe=-1"}), "--maybe" + negative);
  EXPECT_THAT(told({"--count", " -1"}), HasSubstr("0 or more"));
  EXPECT_THAT(told({"--count", "18446744073709551616"}), HasSubstr("--count: 18446744073709551616 is beyond 64 bits"));
  EXPECT_THAT(told({"--maybe", "18446744073709551616"}), HasSubstr("beyond 64 bits"));
  EXPECT_THAT(told({"--whole", "9223372036854775808"}), HasSubstr("beyond 64 bits"));
  EXPECT_THAT(told({"--whole", "-9223372036854775809"}), HasSubstr("beyond 64 bits"));
  EXPECT_EQ(values.count, 64U);
  EXPECT_FALSE(values.maybe);
  EXPECT_EQ(told({"--count", "18446744073709551615", "--maybe", "0", "--whole", "-9223372036854775808"}), "");
  EXPECT_EQ(values.count, SIZE_MAX);
  EXPECT_EQ(values.maybe, 0U);
  EXPECT_EQ(values.whole, INT64_MIN);
}

TEST(CommandLine, AcceptsLlamaFlagsWithoutMeaning) {
  const Options options = parse(
      {"-ngl", "99", "--mlock", "-fa", "on", "--flash-attn", "-p", "x", "--numa=isolate", "-b", "512", "-ub", "-1"});
  EXPECT_EQ(options.prompt, "x");
  EXPECT_TRUE(options.rest.empty());
}

TEST(CommandLine, NoticesIgnoredFlagsOnce) {
  testing::internal::CaptureStderr();
  parse({"--mlock", "-ngl", "99"});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "no meaning here, ignored: --mlock -ngl\n");
  testing::internal::CaptureStderr();
  parse({"--mlock", "--quiet"});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(CommandLine, PrintsEveryFlagInItsHelp) {
  const Invocation call{.program = "patina test", .arguments = {"--help"}};
  CommandLine line(call, "A command.");
  SamplingFlags sampling;
  add_sampling_flags(line, sampling);
  testing::internal::CaptureStdout();
  EXPECT_FALSE(line.parse());
  const std::string help = testing::internal::GetCapturedStdout();
  EXPECT_THAT(help, HasSubstr("patina test"));
  EXPECT_THAT(help, HasSubstr("--temp,--temperature X"));
  EXPECT_THAT(help, HasSubstr("(default 0.8)"));
}

TEST(ScaledAdapter, SplitsAtTheLastColonBeforeANumber) {
  EXPECT_EQ(parse_scaled_adapter("a.bin:0.5"), (AdapterSpec{.path = "a.bin", .scale = 0.5F}));
  EXPECT_EQ(parse_scaled_adapter("a:b.bin:-2"), (AdapterSpec{.path = "a:b.bin", .scale = -2.0F}));
  EXPECT_EQ(parse_scaled_adapter("a:1:b.bin"), (AdapterSpec{.path = "a:1:b.bin", .scale = 1.0F}));
  EXPECT_EQ(parse_scaled_adapter("a.bin:"), (AdapterSpec{.path = "a.bin:", .scale = 1.0F}));
  EXPECT_EQ(parse_scaled_adapter("a.bin:1x"), (AdapterSpec{.path = "a.bin:1x", .scale = 1.0F}));
  EXPECT_EQ(parse_scaled_adapter("a.bin:inf"), (AdapterSpec{.path = "a.bin:inf", .scale = 1.0F}));
  EXPECT_EQ(parse_scaled_adapter(":2"), (AdapterSpec{.path = ":2", .scale = 1.0F}));
}

TEST(AdapterFlags, ListsAllWithTheirScales) {
  const Options options = parse({"--lora", "a:1", "--lora-scaled", "b:0.5"});
  EXPECT_THAT(options.adapters.specs(),
              ElementsAre(AdapterSpec{.path = "a:1"}, AdapterSpec{.path = "b", .scale = 0.5F}));
}

TEST(SamplingFlags, KeepTheSeedOrDrawAndLogOne) {
  std::string logged;
  const LogSink log = [&](LogLevel, std::string_view message) { logged = message; };
  SamplingFlags flags;
  flags.seed = 7;
  EXPECT_EQ(flags.resolve(log).seed, 7U);
  EXPECT_EQ(logged, "seed: 7");
  flags.seed = -1;
  EXPECT_EQ("seed: " + std::to_string(flags.resolve(log).seed), logged);
}

// A command with what training's flags need besides.
struct RunOptions {
  std::string model;
  size_t steps = 1;
  double rate = 0;
  bool raw = false;
  bool shuffle = true;
  std::string resume;
  std::string ranks;
  std::vector<std::string> prompts;
  std::vector<FileFlag> values;
};

constexpr auto kOldFlags = std::to_array<RenamedFlag>(
    {{"model-base", "model"}, {"rank-wq", "ranks", "attn_q="}, {"auto-resume", "resume", "auto", true}});
constexpr auto kOldIgnored = std::to_array<IgnoredFlag>({{"checkpoint-in", FlagValue::kOne, "see --resume"}});

RunOptions parse_run(std::vector<std::string> arguments) {
  RunOptions options;
  const Invocation call{.program = "patina test", .arguments = std::move(arguments)};
  CommandLine line(call, "A command.");
  line.add("-m,--model", options.model, "X", "model");
  line.add("--steps", options.steps, "N", "steps");
  line.add("--rate,--learning-rate", options.rate, "X", "rate");
  line.add_switch("--raw", options.raw, "no template");
  line.add_switch("--shuffle,!--no-shuffle", options.shuffle, "order");
  line.add_optional("--resume", options.resume, "auto", "go on", {"auto"});
  line.add("--ranks", options.ranks, "LIST", "ranks").joined();
  line.add_repeatable("--prompt", options.prompts, "TEXT", "prompts");
  line.add_config_flag();
  line.rename(kOldFlags);
  line.ignore(kOldIgnored);
  EXPECT_TRUE(line.parse());
  options.values = line.values();
  return options;
}

TEST(CommandLine, TakesAValueThatMayBeLeftOut) {
  EXPECT_EQ(parse_run({}).resume, "");
  EXPECT_EQ(parse_run({"--resume"}).resume, "on");
  EXPECT_EQ(parse_run({"--resume", "--raw"}).resume, "on");
  EXPECT_EQ(parse_run({"--resume", "auto"}).resume, "auto");
  EXPECT_EQ(parse_run({"--resume=auto"}).resume, "auto");
  EXPECT_THROW(parse_run({"--resume", "never"}), Error);
}

TEST(CommandLine, KnowsOldNames) {
  const RunOptions options = parse_run(
      {"--model-base", "a.gguf", "--rank-wq", "8", "--ranks=ffn_up=2", "--auto_resume", "--checkpoint-in", "x"});
  EXPECT_EQ(options.model, "a.gguf");
  EXPECT_EQ(options.ranks, "attn_q=8,ffn_up=2");
  EXPECT_EQ(options.resume, "auto");
}

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() { std::filesystem::create_directory(folder_); }
  ~ConfigTest() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& text) const {
    std::ofstream(folder_ / "run.toml") << text;
    return folder_ / "run.toml";
  }
  std::string complaint(const std::string& text) const {
    try {
      parse_run({"--config", file(text)});
    } catch (const Error& error) {
      return error.what();
    }
    return "none";
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("patina_config_" + std::to_string(::getpid()));
};

TEST_F(ConfigTest, EveryFlagIsAKey) {
  const std::string path = file(
      "model-base = \"b.gguf\"\nsteps = 5\nlearning_rate = 0.5\nraw = true\nprompt = [\"- a\", \"b # c\"]\nresume = "
      "\"auto\"\n");
  const RunOptions options = parse_run({"--config", path});
  EXPECT_EQ(options.model, "b.gguf");
  EXPECT_EQ(options.steps, 5);
  EXPECT_EQ(options.rate, 0.5);
  EXPECT_TRUE(options.raw);
  EXPECT_EQ(options.resume, "auto");
  EXPECT_THAT(options.prompts, ElementsAre("- a", "b # c"));
}

TEST_F(ConfigTest, TheCommandLineGoesFirst) {
  const std::string path = file("steps = 5\nrate = 0.5\nprompt = [\"a\"]\nraw = false\n");
  const RunOptions options = parse_run({"--prompt", "z", "--config", path, "-learning-rate", "2"});
  EXPECT_EQ(options.steps, 5);
  EXPECT_EQ(options.rate, 2);
  EXPECT_THAT(options.prompts, ElementsAre("z"));
  EXPECT_FALSE(options.raw);
}

TEST_F(ConfigTest, SaysWhatIsWrongAndWhere) {
  EXPECT_THAT(complaint("steps = 1\nstesp = 5\n"), HasSubstr("run.toml:2: unknown flag --stesp; did you mean --steps"));
  EXPECT_THAT(complaint("raw = 3\n"), HasSubstr("run.toml:1: raw is true or false"));
  EXPECT_THAT(complaint("steps = \"x\"\n"), HasSubstr("--steps"));
  EXPECT_THROW(parse_run({"--config", folder_ / "none"}), Error);
}

TEST_F(ConfigTest, ValuesComeBack) {
  const RunOptions first =
      parse_run({"-m", "a b", "--prompt", "x", "--prompt", "y", "--rate", "0.25", "--raw", "--no-shuffle"});
  const RunOptions second = parse_run({"--config", file(write_flag_file(first.values))});
  EXPECT_EQ(second.model, "a b");
  EXPECT_EQ(second.rate, 0.25);
  EXPECT_FALSE(second.shuffle);
  EXPECT_TRUE(parse_run({"--config", file(write_flag_file(parse_run({"--shuffle"}).values))}).shuffle);
  EXPECT_EQ(second.steps, 1);
  EXPECT_TRUE(second.raw);
  EXPECT_THAT(second.prompts, ElementsAre("x", "y"));
}

}  // namespace
}  // namespace patina::apps
