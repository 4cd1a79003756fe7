#include <nlohmann/json.hpp>

#include "train/data/rows_support.h"

namespace patina::train {
namespace {

constexpr const char* kFolder = PATINA_SOURCE_DIR "/tests/golden/train/rows/";

std::string_view form_of(const std::string& name) {
  if (name.ends_with(".jsonl")) return "JSON lines";
  return name.ends_with(".json") ? "JSON array" : "CSV";
}

RowKind kind_of(const std::string& name) {
  if (name == "chat") return RowKind::kChat;
  return name == "question" ? RowKind::kQuestion : RowKind::kText;
}

// Files in every shape hold the rows that Python's json and csv modules find in them (scripts/golden/rows.py).
TEST(GoldenRows, AreThoseThatPythonReads) {
  const nlohmann::json expected = nlohmann::json::parse(read_file(std::string(kFolder) + "expected.json"));
  ASSERT_EQ(expected.size(), 8);
  for (const auto& [name, rows] : expected.items()) {
    const std::vector<FoundRow> found = rows_of(read_file(kFolder + name), form_of(name));
    ASSERT_EQ(found.size(), rows.size()) << name;
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(found[i].row.kind, kind_of(rows[i]["kind"])) << name << " row " << i;
      std::string turns;
      for (const auto& turn : rows[i]["turns"]) {
        turns += turn[0].get<std::string>() + ": " + turn[1].get<std::string>() + "\n";
      }
      EXPECT_EQ(turns_of(found[i].row), turns) << name << " row " << i;
    }
  }
}

}  // namespace
}  // namespace patina::train
