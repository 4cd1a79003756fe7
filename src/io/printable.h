#pragma once

#include <string>
#include <string_view>

namespace patina::io {

// A name out of a file, fit for an error message: at most 80 bytes, with a '?' for each byte that is no visible ASCII.
inline std::string printable(std::string_view name) {
  constexpr size_t kMaxBytes = 80;
  std::string text(name.substr(0, kMaxBytes));
  for (char& c : text) {
    if (c < ' ' || c > '~') c = '?';
  }
  return name.size() > kMaxBytes ? text + "..." : text;
}

}  // namespace patina::io
