#include "apps/model_writing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/nearest.h"
#include "base/error.h"
#include "io/printable.h"

namespace patina::apps {

namespace {

double mebibytes(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

}  // namespace

std::vector<std::string> file_type_names() {
  std::vector<std::string> names;
  for (const convert::FileTypeInfo& type : convert::file_types()) names.emplace_back(type.name);
  return names;
}

convert::FileType require_file_type(const std::string& name) {
  const auto type = convert::file_type_from_name(name);
  if (type.has_value()) return *type;
  const std::vector<std::string> names = file_type_names();
  fail(ErrorKind::kInvalidArgument, "unknown type {}{} The types are: {}", name, suggestion(name, names),
       fmt::join(names, ", "));
}

void WritingProgress::operator()(const convert::QuantizeStep& step) const {
  if (interrupt_.requested()) fail(ErrorKind::kInterrupted, "stopped; {} has not been written", out_.string());
  log(log_, LogLevel::kInfo,
      fmt::format("[{:4}/{:4}] {:40} {:>6} -> {:6} [{}]", step.index + 1, step.count, io::printable(step.tensor.name),
                  quant::name(step.tensor.type), quant::name(step.type), fmt::join(step.tensor.shape, ", ")));
}

void WritingProgress::finish(const convert::QuantizeReport& report) const {
  log(log_, LogLevel::kInfo,
      fmt::format("{}: {:.1f} MiB of weights became {:.1f} MiB, {:.2f} bits a weight", out_.string(),
                  mebibytes(report.bytes_before), mebibytes(report.bytes_after),
                  8.0 * static_cast<double>(report.bytes_after) / static_cast<double>(report.elements)));
}

}  // namespace patina::apps
