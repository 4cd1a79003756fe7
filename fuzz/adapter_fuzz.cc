#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "adapter/lora_adapter.h"
#include "io/gguf/parser.h"
#include "io/tensor_layout.h"
#include "patina/error.h"

namespace {

// An adapter file that lies in memory.
class MemoryFile final : public patina::io::ModelFile {
 public:
  explicit MemoryFile(patina::io::ParsedFile contents) {
    path_ = "input";
    metadata_ = std::move(contents.metadata);
    tensors_ = std::move(contents.tensors);
    patina::io::check_distinct(tensors_, "input");
    index_tensors();
  }
  void expect(patina::platform::AccessHint /*access*/) const override {}
  void release_pages(std::span<const std::byte> /*data*/) const override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const MemoryFile file(patina::io::parse_gguf(std::as_bytes(std::span(data, size)), "input"));
    const patina::adapter::LoraAdapter adapter = patina::adapter::read_lora(file);
    patina::adapter::Attachment attachment(1);
    const patina::adapter::LinearSite site{adapter.entries[0].site, 32, 32};
    patina::adapter::attach_lora(adapter, "input", 1.0F, {{&site, 1}, adapter.architecture}, attachment, {});
  } catch (const patina::Error&) {
    return 0;
  }
  return 0;
}
