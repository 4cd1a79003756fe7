#include <cstddef>
#include <cstdint>
#include <string_view>

#include "adapter/peft/peft_config.h"
#include "patina/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto config = patina::adapter::peft::parse_peft_config(text, "input");
    volatile float scale = config.scale("model.layers.0.self_attn.q_proj", 4);
    static_cast<void>(scale);
  } catch (const patina::Error&) {
    return 0;
  }
  return 0;
}
