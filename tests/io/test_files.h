#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "patina/error.h"

namespace patina::io {

using Bytes = std::vector<std::byte>;

// Made by scripts/golden/io.py.
inline std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(PATINA_SOURCE_DIR) / "tests/golden/io" / name;
}

inline Bytes read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  EXPECT_FALSE(text.empty()) << path;
  Bytes bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

inline void write_bytes(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// A folder of the test's own, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "patina_io_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The error that the call throws; fails the test when it throws none.
inline Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no error";
  return {ErrorKind::kIo, ""};
}

inline void expect_error(const std::function<void()>& call, ErrorKind kind, const std::string& part) {
  const Error error = error_of(call);
  EXPECT_EQ(error.kind(), kind) << error.what();
  EXPECT_THAT(error.what(), testing::HasSubstr(part));
}

// Gives `parse` (true when something was read) every prefix of the header (its first `header` bytes), which must read
// as nothing or be refused, and the whole file with random bytes changed, which must be read or refused with an Error.
// Under a sanitizer this finds what reads outside: the bytes sit in memory of exactly their size.
inline void expect_survives(const Bytes& good, size_t header,
                            const std::function<bool(std::span<const std::byte>)>& parse) {
  for (size_t size = 0; size < header; ++size) {
    const Bytes prefix(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    try {
      EXPECT_FALSE(parse(prefix)) << size;
    } catch (const Error& error) {
      EXPECT_STRNE(error.what(), "");
    }
  }
  constexpr int kRounds = 20000;
  std::mt19937 random(1);
  for (int round = 0; round < kRounds; ++round) {
    Bytes bad = good;
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < changes; ++i) {
      constexpr unsigned kValues[] = {0, 1, 0x7F, 0x80, 0xFF};
      const bool special = random() % 2 == 0;
      bad[random() % header] =
          static_cast<std::byte>(special ? kValues[random() % std::size(kValues)] : random() % 256);
    }
    try {
      parse(bad);
    } catch (const Error& error) {
      EXPECT_STRNE(error.what(), "");
    }
  }
}

}  // namespace patina::io
