#include "train/room.h"

#include <algorithm>
#include <system_error>

#include "base/error.h"
#include "platform/memory.h"

namespace patina::train {

uint64_t memory_to_take(uint64_t most) {
  const uint64_t available = platform::available_memory();
  if (most == 0) return available;
  const uint64_t taken = platform::resident_memory();
  const uint64_t allowed = most > taken ? most - taken : 1;
  return available == 0 ? allowed : std::min(allowed, available);
}

void require_disk_space(const std::filesystem::path& file, uint64_t bytes) {
  const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  if (!error && space.available < bytes) {
    fail(ErrorKind::kIo, "{} has room for {:.2f} GiB, the adapter and its checkpoints need {:.2f}; free some",
         folder.string(), gibibytes(space.available), gibibytes(bytes));
  }
}

double gibibytes(uint64_t bytes) { return static_cast<double>(bytes) * 0x1p-30; }

}  // namespace patina::train
