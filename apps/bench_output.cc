#include "apps/bench_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "apps/bench_work.h"
#include "apps/text.h"
#include "base/error.h"
#include "quant/dtype.h"

namespace patina::apps {

namespace {

using Json = nlohmann::ordered_json;

// Whether the entry says the same, or nothing of it.
bool agrees(const nlohmann::json& entry, const char* name, const nlohmann::json& value) {
  return !entry.contains(name) || entry[name] == value;
}

struct Origin {
  const char* name;  // in an entry
  const char* what;
  nlohmann::json here;
};

// What two results of one test may differ by. Another type has another number of bytes under the model's name.
std::vector<Origin> origins_of(const BenchResult& result) {
  return {{"model", "model", result.model},
          {"weight_bytes", "number of bytes of weights", result.weight_bytes},
          {"instruction_set", "instruction set", result.instruction_set},
          {"precise", "choice of --precise", result.precise}};
}

bool same_origin(const nlohmann::json& entry, const BenchResult& result) {
  return std::ranges::all_of(origins_of(result),
                             [&](const Origin& origin) { return agrees(entry, origin.name, origin.here); });
}

std::string plain(const nlohmann::json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

// The entry that the result compares with, one of the same origin if there is; null: there is none.
const nlohmann::json* counterpart(const nlohmann::json& earlier, const BenchResult& result) {
  const nlohmann::json* best = nullptr;
  for (const nlohmann::json& entry : earlier) {
    const bool same_test = entry["test"] == result.test.name() && agrees(entry, "threads", result.threads) &&
                           agrees(entry, "type_k", quant::name(result.cache_types.keys)) &&
                           agrees(entry, "type_v", quant::name(result.cache_types.values));
    if (!same_test) continue;
    if (same_origin(entry, result)) return &entry;
    if (best == nullptr) best = &entry;
  }
  return best;
}

Json json_of(const MeasuredResult& measured) {
  const BenchResult& result = measured.result;
  const BenchTest& test = result.test;
  Json entry = {{"test", test.name()},
                {"avg_ts", result.mean()},
                {"stddev_ts", result.deviation()},
                {"peak_memory", result.peak_memory},
                {"model", result.model},
                {"architecture", result.architecture},
                {"weight_bytes", result.weight_bytes},
                {"type_k", quant::name(result.cache_types.keys)},
                {"type_v", quant::name(result.cache_types.values)},
                {"threads", result.threads},
                {"instruction_set", result.instruction_set},
                {"precise", result.precise},
                {"n_prompt", test.prompt},
                {"n_gen", test.generate},
                {"n_sequences", test.sequences},
                {"n_depth", test.depth},
                {"n_train", test.train},
                {"read_bandwidth", measured.limits.read_bandwidth},
                {"int8_peak", measured.limits.int8_peak},
                {"int16_peak", measured.limits.int16_peak},
                {"f32_peak", measured.limits.f32_peak},
                {"limit_ts", nullptr},
                {"limit_by", nullptr},
                {"limit_share", nullptr},
                {"samples_ts", result.rates}};
  if (const std::optional<WorkBound> bound = bound_of(result.work, measured.limits)) {
    const double limit = static_cast<double>(test.tokens()) / bound->seconds;
    entry["limit_ts"] = limit;
    entry["limit_by"] = bound->by;
    entry["limit_share"] = result.mean() / limit;
  }
  return entry;
}

std::string billions(const Json& value) { return fmt::format("{:.1f}", value.get<double>() * 1e-9); }

// What bounds a test, with the machine's figures for it.
std::string bound_text(const Json& entry) {
  if (entry["limit_by"].is_null()) return "–";
  const std::string by = entry["limit_by"];
  if (by == "bandwidth") return fmt::format("bandwidth {} GB/s", billions(entry["read_bandwidth"]));
  return fmt::format("{} {} GMAC/s", by, billions(entry[by + "_peak"]));
}

// A text that a cell of a table may hold.
std::string cell(const std::string& text) {
  std::string result;
  for (const char c : text) result += c == '|' ? "\\|" : std::string(1, c);
  return result;
}

std::string table(const Json& tests) {
  const bool compared = !tests.empty() && tests[0].contains("ratio");
  std::string text;
  if (!tests.empty()) {
    text =
        fmt::format("instruction set {}, keys in {}, values in {}\n\n", tests[0]["instruction_set"].get<std::string>(),
                    tests[0]["type_k"].get<std::string>(), tests[0]["type_v"].get<std::string>());
  }
  text += "| model | threads | test | tokens/s | ± | peak memory MiB | limit tokens/s | reached | limit |";
  text += compared ? " ratio |\n" : "\n";
  text += "|---|--:|---|--:|--:|--:|--:|--:|---|";
  text += compared ? "--:|\n" : "\n";
  for (const Json& entry : tests) {
    const bool bounded = !entry["limit_ts"].is_null();
    text += fmt::format(
        "| {} | {} | {} | {:.2f} | {:.2f} | {} | {} | {} | {} |", cell(entry["model"].get<std::string>()),
        entry["threads"].get<int>(), entry["test"].get<std::string>(), entry["avg_ts"].get<double>(),
        entry["stddev_ts"].get<double>(), entry["peak_memory"].get<uint64_t>() >> 20U,
        bounded ? fmt::format("{:.2f}", entry["limit_ts"].get<double>()) : "–",
        bounded ? fmt::format("{:.0f} %", 100 * entry["limit_share"].get<double>()) : "–", bound_text(entry));
    if (compared) {
      text += entry["ratio"].is_null() ? " – |" : fmt::format(" {:.3f} |", entry["ratio"].get<double>());
    }
    text += '\n';
  }
  return text;
}

// Strings in quotes, the values of an array divided by spaces (RFC 4180).
std::string csv_field(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_array()) {
    std::string text;
    for (const Json& part : value) text.append(text.empty() ? "" : " ").append(part.dump());
    return text;
  }
  if (!value.is_string()) return value.dump();
  std::string text = "\"";
  for (const char c : value.get<std::string>()) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + '"';
}

std::string csv(const Json& tests) {
  std::string text;
  const auto add_line = [&](const Json& entry, bool names) {
    std::string line;
    for (const auto& [key, value] : entry.items())
      line.append(line.empty() ? "" : ",").append(names ? key : csv_field(value));
    text += line + '\n';
  };
  if (!tests.empty()) add_line(tests[0], true);
  for (const Json& entry : tests) add_line(entry, false);
  return text;
}

}  // namespace

nlohmann::json read_bench_json(const std::filesystem::path& path) {
  const nlohmann::json array = nlohmann::json::parse(read_file(path), nullptr, false);
  bool usable = array.is_array();
  for (const nlohmann::json& entry : array) {
    usable = usable && entry.is_object() && entry.contains("test") && entry["test"].is_string() &&
             entry.contains("avg_ts") && entry["avg_ts"].is_number() && entry["avg_ts"].get<double>() > 0 &&
             (!entry.contains("threads") || entry["threads"].is_number_integer());
  }
  if (!usable) {
    fail(ErrorKind::kInvalidData, "{} is not what `patina bench -o json` writes: an array with an object a test",
         path.string());
  }
  return array;
}

nlohmann::ordered_json bench_json(const std::vector<MeasuredResult>& results, const nlohmann::json& earlier) {
  Json tests = Json::array();
  for (const MeasuredResult& measured : results) {
    Json entry = json_of(measured);
    if (!earlier.is_null()) {
      const nlohmann::json* before = counterpart(earlier, measured.result);
      entry["ratio"] = before != nullptr ? Json(measured.result.mean() / (*before)["avg_ts"].get<double>()) : Json();
    }
    tests.push_back(std::move(entry));
  }
  return tests;
}

std::string comparison_note(const std::vector<MeasuredResult>& results, const nlohmann::json& earlier) {
  if (earlier.is_null()) return "";
  bool compared = false;
  std::vector<std::string> parts;
  for (const MeasuredResult& measured : results) {
    const nlohmann::json* before = counterpart(earlier, measured.result);
    if (before == nullptr) continue;
    compared = true;
    for (const Origin& origin : origins_of(measured.result)) {
      if (agrees(*before, origin.name, origin.here)) continue;
      std::string part =
          fmt::format("another {} ({}, here {})", origin.what, plain((*before)[origin.name]), plain(origin.here));
      if (std::ranges::find(parts, part) == parts.end()) parts.push_back(std::move(part));
    }
  }
  if (!compared) {
    return "there are no ratios: none of these tests was measured earlier with as many threads and the same types of "
           "keys and values";
  }
  return parts.empty() ? "" : fmt::format("the ratios are to {}", fmt::join(parts, " and "));
}

std::string bench_text(const nlohmann::ordered_json& tests, const std::string& form) {
  if (form == "csv") return csv(tests);
  if (form == "json") return tests.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
  return table(tests);
}

}  // namespace patina::apps
