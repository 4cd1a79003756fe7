#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "train/run_history.h"

namespace patina::train {

// A name and what it is, for a row of a table.
struct ReportRow {
  std::string name;
  std::string value;
};

// An answer to a prompt, at some point of the run.
struct ReportSample {
  std::string when;  // "before", "step 20", "after"
  std::string prompt;
  std::string answer;
};

// What a report shows. All texts are plain; the report escapes them.
struct ReportContents {
  std::string title;
  RunHistory history;
  std::vector<ReportRow> results;
  std::vector<ReportRow> settings;
  std::vector<ReportSample> samples;
  std::vector<std::string> commands;
};

// One page of HTML that needs nothing besides itself: the curves of the losses and of the learning rate as SVG,
// results, settings, samples, and the commands that use the adapter.
std::string html_report(const ReportContents& contents);

// `text` where HTML takes it for text: with &amp; &lt; &gt; &quot;.
std::string html_escaped(std::string_view text);

}  // namespace patina::train
