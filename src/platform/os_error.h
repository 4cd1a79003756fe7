#pragma once

#include <string>
#include <system_error>

namespace patina::platform {

// The system's words for an `errno` value ("No space left on device"). Safe to call from several threads.
inline std::string os_message(int error) { return std::generic_category().message(error); }

}  // namespace patina::platform
