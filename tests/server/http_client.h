#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "platform/file_descriptor.h"

namespace patina::server {

// A connection to 127.0.0.1. What takes longer than ten seconds throws.
class HttpClient {
 public:
  explicit HttpClient(uint16_t port);

  void send(std::string_view bytes);
  void get(const std::string& path);
  void post(const std::string& path, const std::string& body, const std::string& headers = "");

  // The bytes up to and with `end`.
  std::string read_until(std::string_view end);
  // A head and the body that its Content-Length tells, or chunks.
  std::string read_response();
  // Whether the server has closed the connection and nothing is left to read.
  bool at_end();
  void close() { socket_.close(); }

 private:
  bool receive();  // false at the end
  std::string take(size_t bytes);

  platform::FileDescriptor socket_;
  std::string received_;
};

}  // namespace patina::server
