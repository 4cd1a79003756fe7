#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/bench_tests.h"
#include "measure/machine_limits.h"

namespace patina::apps {

// A result beside what the machine could do with as many threads.
struct MeasuredResult {
  BenchResult result;
  measure::MachineLimits limits;
};

// An earlier array of `patina bench -o json` (or another program's with "test" and "avg_ts" in each object). Throws
// kNotFound or kIo for a file that cannot be read, kInvalidData for one that holds something else.
nlohmann::json read_bench_json(const std::filesystem::path& path);

// An array with an object a test. With `earlier` not null, each that has its like there also says "ratio": its tokens/s
// divided by the earlier ones. Alike are the same tests with, where that is told, the same number of threads and the
// same types of keys and values; of several, one of the same origin (see comparison_note) counts, else the first.
nlohmann::ordered_json bench_json(const std::vector<MeasuredResult>& results, const nlohmann::json& earlier);

// What those that these ratios are to differ by (model, bytes of weights, instruction set, --precise), as a sentence,
// or that there are no ratios; empty where `earlier` is null, or there is nothing to say.
std::string comparison_note(const std::vector<MeasuredResult>& results, const nlohmann::json& earlier);

// The text of such an array in one of the forms md, json and csv. With md, a line above the table names what all tests
// have in common.
std::string bench_text(const nlohmann::ordered_json& tests, const std::string& form);

}  // namespace patina::apps
