#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "base/log.h"
#include "server/router.h"
#include "server/server_options.h"

namespace patina::server {

// What all sessions of a server share.
struct SessionSetting {
  std::shared_ptr<boost::asio::io_context> io;
  const Router* router;
  ServerOptions options;
  LogSink log;
};

// One connection. Lives while operations on its socket are pending. All members may be called from any thread.
class Session {
 public:
  Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  virtual ~Session() = default;

  // The socket's executor must be a strand. `setting` must outlive the session.
  static std::shared_ptr<Session> create(boost::asio::ip::tcp::socket socket, const SessionSetting& setting);

  virtual void start() = 0;
  // Instead of start(): answers 503 and closes.
  virtual void turn_away() = 0;
  // Closes once the request in progress is answered, at once if there is none.
  virtual void drain() = 0;
  virtual void abort() = 0;
};

}  // namespace patina::server
