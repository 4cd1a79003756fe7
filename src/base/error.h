#pragma once

#include <fmt/format.h>

#include <utility>

#include "patina/error.h"

namespace patina {

// Throws Error{kind, formatted sentence}:  fail(ErrorKind::kIo, "cannot open {}: {}", path, reason);
template <typename... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace patina
