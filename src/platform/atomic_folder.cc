#include "platform/atomic_folder.h"

#include <unistd.h>

#include <string>
#include <system_error>

#include "base/error.h"
#include "platform/sync_folder.h"

namespace patina::platform {

namespace {

namespace fs = std::filesystem;

constexpr int kMaxNames = 1000;

fs::path without_trailing_slash(const fs::path& path) { return path.has_filename() ? path : path.parent_path(); }

[[noreturn]] void fail_write(const fs::path& path, const std::error_code& error) {
  fail(ErrorKind::kIo, "cannot write the folder {}: {}", path.string(), error.message());
}

}  // namespace

AtomicFolder::AtomicFolder(const fs::path& path) : target_(without_trailing_slash(path)) {
  std::error_code error;
  if (fs::exists(target_, error) && !(fs::is_directory(target_, error) && fs::is_empty(target_, error))) {
    fail(ErrorKind::kInvalidArgument, "{} exists and is no empty folder; name another, or remove it first",
         target_.string());
  }
  for (int i = 0; i < kMaxNames; ++i) {
    fs::path candidate = target_;
    candidate += ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(i);
    if (fs::create_directory(candidate, error)) {
      temporary_ = std::move(candidate);
      return;
    }
    if (error) fail_write(target_, error);
  }
  fail_write(target_, std::make_error_code(std::errc::file_exists));
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
}

void AtomicFolder::commit() {
  sync_folder(temporary_);
  std::error_code error;
  fs::rename(temporary_, target_, error);
  if (error) fail_write(target_, error);
  temporary_.clear();
  sync_folder(target_.parent_path());
}

}  // namespace patina::platform
