#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace patina::server {

struct ServerOptions {
  std::string host = "127.0.0.1";  // an address, or a name that has one
  uint16_t port = 8080;            // 0: a free one
  int threads = 1;                 // that read requests and write answers; 1 to 64
  size_t max_connections = 256;    // further ones are told to come back later
  size_t max_body = size_t{8} << 20;
  // A connection is closed when its next request's head, a request's body, or the taking of what was sent, takes
  // longer than this.
  std::chrono::milliseconds head_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds body_timeout = std::chrono::seconds(60);
  std::chrono::milliseconds write_timeout = std::chrono::seconds(30);
};

}  // namespace patina::server
