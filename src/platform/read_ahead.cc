#include "platform/read_ahead.h"

#include <unistd.h>

#include <utility>

namespace patina::platform {

namespace {

void touch(const std::stop_token& stop, std::span<const std::span<const std::byte>> parts) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  for (const std::span<const std::byte> part : parts) {
    for (size_t i = 0; i < part.size() && !stop.stop_requested(); i += page) {
      [[maybe_unused]] const std::byte touched = static_cast<const volatile std::byte&>(part[i]);
    }
  }
}

}  // namespace

ReadAhead::ReadAhead(std::vector<std::span<const std::byte>> parts)
    : thread_([parts = std::move(parts)](const std::stop_token& stop) { touch(stop, parts); }) {}

}  // namespace patina::platform
