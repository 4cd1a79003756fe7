#include "platform/file_state.h"

#include <fcntl.h>

#include <cerrno>

#include "base/error.h"
#include "platform/os_error.h"

namespace patina::platform {

FileState::FileState(const std::filesystem::path& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (!file_.valid() || ::fstat(file_.get(), &status_) != 0) {
    fail(ErrorKind::kIo, "cannot open {}: {}", path.string(), os_message(errno));
  }
}

bool FileState::changed() const {
  struct stat now = {};
  return ::fstat(file_.get(), &now) != 0 || now.st_size != status_.st_size ||
         now.st_mtim.tv_sec != status_.st_mtim.tv_sec || now.st_mtim.tv_nsec != status_.st_mtim.tv_nsec;
}

}  // namespace patina::platform
