#include "train/html_report.h"

#include <cmath>

#include "train/test_support.h"

namespace patina::train {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RunHistory, ReadsTheLogAndLeavesOutWhatIsBroken) {
  const TemporaryFolder folder;
  write_file(folder / "log",
             "{\"step\":1,\"loss\":2.5,\"learning_rate\":0.1}\n{\"step\":1,\"eval_loss\":3}\nnonsense\n[1]\n"
             "{\"step\":\"x\",\"loss\":1}\n{\"step\":2,\"loss\":null}\n{\"step\":3,\"loss\":2,\"lear");
  const RunHistory history = read_history(folder / "log");
  ASSERT_EQ(history.steps.size(), 1);
  EXPECT_EQ(history.steps[0].loss, 2.5);
  ASSERT_EQ(history.rates.size(), 1);
  ASSERT_EQ(history.evaluations.size(), 1);
  EXPECT_EQ(history.evaluations[0].loss, 3);
  expect_error([&] { read_history(folder / "none"); }, ErrorKind::kIo, "none");
}

TEST(RunHistory, SmoothingKeepsAConstant) {
  const std::vector<LossPoint> result = smoothed({{1, 2}, {2, 2}, {3, 2}});
  for (const LossPoint& point : result) EXPECT_DOUBLE_EQ(point.loss, 2);
  EXPECT_DOUBLE_EQ(smoothed({{1, 0}, {2, 1.9}})[1].loss, 1);
}

TEST(HtmlReport, HoldsEverythingAndNothingFromOutside) {
  ReportContents contents;
  contents.title = "a <b> & \"c\"";
  for (uint64_t step = 1; step <= 4000; ++step) {
    contents.history.steps.push_back({step, 4000.0 / static_cast<double>(step)});
    contents.history.rates.push_back({step, 1e-4});
  }
  contents.history.steps[7].loss = std::nan("");
  contents.history.evaluations = {{100, 3.5}};
  contents.results = {{"steps", "4000"}};
  contents.settings = {{"--lora-rank", "8"}};
  contents.samples = {{"after", "who?", "<script>alert(1)</script>"}};
  contents.commands = {"main -m model.gguf --lora 'a b.gguf'"};
  const std::string html = html_report(contents);
  EXPECT_THAT(html, HasSubstr("<title>a &lt;b&gt; &amp; &quot;c&quot;</title>"));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;"));
  EXPECT_THAT(html, HasSubstr("<title>step 100: 3.5000</title>"));
  EXPECT_THAT(html, HasSubstr("main -m model.gguf --lora 'a b.gguf'"));
  EXPECT_THAT(html, HasSubstr("<th>--lora-rank</th><td>8</td>"));
  for (const char* outside : {"<script", "http", "src=", "href=", "nan"}) EXPECT_THAT(html, Not(HasSubstr(outside)));
  EXPECT_LT(html.size(), 200'000);
}

// The highest loss is at the top, the last step at the right.
TEST(HtmlReport, CurvesGoWhereTheyShould) {
  ReportContents contents;
  contents.history.steps = {{1, 4}, {2, 2}, {4, 0}};
  const std::string html = html_report(contents);
  EXPECT_THAT(html, HasSubstr("<polyline class=\"raw\" points=\"225.0,28.0 394.0,140.0 732.0,252.0 \"/>"));
}

}  // namespace
}  // namespace patina::train
