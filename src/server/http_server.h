#pragma once

#include <cstdint>
#include <memory>

#include "base/log.h"
#include "server/router.h"
#include "server/server_options.h"

namespace patina::server {

// An HTTP/1.1 server: many connections, requests of each one after another, keep-alive, server-sent events. A client
// that closes its connection, or only its sending side, has its job destroyed.
class HttpServer {
 public:
  // Binds and listens; clients can connect from here on. `router` must outlive the server; it is used, and must
  // not change, while run() runs. Throws kInvalidArgument for options out of range or a host without an address, kIo
  // when the port cannot be had.
  HttpServer(const ServerOptions& options, const Router& router, LogSink log = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;  // that it listens on

  // Serves until drained. Once in a server's life.
  void run();

  // Takes no more connections and requests, and lets run() return once the requests in progress are answered. From any
  // thread.
  void drain();

  // Closes every connection and lets run() return soon. From any thread.
  void abort();

  // From now on SIGINT and SIGTERM drain the server, and a second one aborts it.
  void drain_on_signals();

 private:
  class Listener;
  std::unique_ptr<Listener> listener_;
};

}  // namespace patina::server
