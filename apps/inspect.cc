#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <variant>

#include "apps/command_line.h"
#include "apps/commands.h"
#include "apps/quote.h"
#include "io/model_file.h"
#include "io/printable.h"

namespace patina::apps {

namespace {

constexpr size_t kShownElements = 8;  // of an array
constexpr size_t kShownText = 100;    // bytes of a text
constexpr size_t kShownElementText = 24;

constexpr std::array<std::string_view, 13> kTypeNames = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                         "bool", "string", "array", "u64", "i64", "f64"};

std::string_view type_name(io::MetaType type) { return kTypeNames[static_cast<size_t>(type)]; }

// One value, a text cut to `max_bytes`.
struct Shown {
  io::MetaType type;
  size_t max_bytes = kShownText;

  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(uint64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const {
    return type == io::MetaType::kF32 ? fmt::format("{}", static_cast<float>(value)) : fmt::format("{}", value);
  }
  std::string operator()(const std::string& text) const { return quote(text, max_bytes); }
  std::string operator()(const io::MetaArray& array) const {
    return std::visit([this](const auto& elements) { return list(elements); }, array);
  }

  template <typename T>
  std::string list(const std::vector<T>& elements) const {
    std::vector<std::string> shown;
    for (size_t i = 0; i < std::min(elements.size(), kShownElements); ++i) {
      shown.push_back(Shown{type, kShownElementText}(T(elements[i])));
    }
    return fmt::format("[{}{}]", fmt::join(shown, ", "), elements.size() > kShownElements ? ", ..." : "");
  }
};

std::string shown_type(const io::MetaEntry& entry) {
  const auto* array = std::get_if<io::MetaArray>(&entry.value);
  if (array == nullptr) return std::string(type_name(entry.type));
  const size_t size = std::visit([](const auto& elements) { return elements.size(); }, *array);
  return fmt::format("{}[{}]", type_name(entry.type), size);
}

std::string_view form_name(io::FileForm form) {
  switch (form) {
    case io::FileForm::kGgjt:
      return "GGJT v3";
    case io::FileForm::kGgla:
      return "ggla";
    case io::FileForm::kSafetensors:
      return "safetensors";
    case io::FileForm::kGguf:
      break;
  }
  return "GGUF";
}

void print_metadata(const io::Metadata& metadata) {
  size_t width = 0;
  for (const io::MetaEntry& entry : metadata.entries()) width = std::max(width, entry.key.size());
  fmt::print("\nMetadata: {} entries\n", metadata.entries().size());
  for (const io::MetaEntry& entry : metadata.entries()) {
    fmt::print("  {:{}}  {:14} {}\n", io::printable(entry.key), width, shown_type(entry),
               std::visit(Shown{entry.type}, entry.value));
  }
}

void print_tensors(std::span<const io::TensorInfo> tensors) {
  size_t width = 0;
  for (const io::TensorInfo& tensor : tensors) width = std::max(width, tensor.name.size());
  fmt::print("\nTensors: {}\n", tensors.size());
  for (const io::TensorInfo& tensor : tensors) {
    fmt::print("  {:{}}  {:7} {:>12} bytes  [{}]\n", io::printable(tensor.name), width, quant::name(tensor.type),
               tensor.data.size(), fmt::join(tensor.shape, ", "));
  }
}

struct Total {
  size_t tensors = 0;
  uint64_t elements = 0;
  uint64_t bytes = 0;

  void add(const io::TensorInfo& tensor) {
    ++tensors;
    elements += static_cast<uint64_t>(tensor.elements());
    bytes += tensor.data.size();
  }
};

void print_total(std::string_view name, const Total& total) {
  fmt::print("  {:7} {:6} tensors {:>16} weights {:>16} bytes {:8.2f} bits a weight\n", name, total.tensors,
             total.elements, total.bytes, 8.0 * static_cast<double>(total.bytes) / static_cast<double>(total.elements));
}

void print_totals(std::span<const io::TensorInfo> tensors) {
  if (tensors.empty()) return;
  std::map<quant::DType, Total> by_type;
  Total all;
  for (const io::TensorInfo& tensor : tensors) {
    by_type[tensor.type].add(tensor);
    all.add(tensor);
  }
  fmt::print("\nTotals\n");
  for (const auto& [type, total] : by_type) print_total(quant::name(type), total);
  print_total("all", all);
}

}  // namespace

int run_inspect(const Invocation& call) {
  CommandLine line(call, "Prints what a model, adapter or vocabulary file holds.");
  std::filesystem::path path;
  line.add("FILE", path, "PATH", "a GGUF, GGJT v3 (.bin), ggla or safetensors file; any part of a split one")
      .required();
  if (!line.parse()) return kExitSuccess;

  const auto file = io::ModelFile::open(path);
  fmt::print("File: {}\nForm: {}\nSize: {} bytes\n", path.string(), form_name(file->form()), file->total_bytes());
  print_metadata(file->metadata());
  print_tensors(file->tensors());
  print_totals(file->tensors());
  return kExitSuccess;
}

}  // namespace patina::apps
