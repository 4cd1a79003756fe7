#include "server/http_server.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <csignal>
#include <thread>
#include <utility>
#include <vector>

#include "base/error.h"
#include "server/session.h"

namespace patina::server {

namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;

namespace {

constexpr std::chrono::milliseconds kAcceptPause(100);

void check(const ServerOptions& options) {
  if (options.threads < 1 || options.threads > 64) {
    fail(ErrorKind::kInvalidArgument, "the number of HTTP threads must be from 1 to 64, not {}", options.threads);
  }
  if (options.max_connections < 1) fail(ErrorKind::kInvalidArgument, "a server needs at least one connection");
}

std::vector<tcp::endpoint> resolve(net::io_context& io, const ServerOptions& options) {
  tcp::resolver resolver(io);
  error_code error;
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry :
       resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, error)) {
    endpoints.push_back(entry.endpoint());
  }
  if (error || endpoints.empty()) {
    fail(ErrorKind::kInvalidArgument, "the host {} has no address here ({})", options.host, error.message());
  }
  return endpoints;
}

error_code listen(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
  error_code error;
  error = acceptor.open(endpoint.protocol(), error);
  if (!error) error = acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) error = acceptor.bind(endpoint, error);
  if (!error) error = acceptor.listen(tcp::acceptor::max_listen_connections, error);
  if (error) {
    error_code ignored;
    ignored = acceptor.close(ignored);
  }
  return error;
}

void listen_on_any(tcp::acceptor& acceptor, const std::vector<tcp::endpoint>& endpoints, const ServerOptions& options) {
  error_code error;
  for (const tcp::endpoint& endpoint : endpoints) {
    error = listen(acceptor, endpoint);
    if (!error) return;
  }
  if (error == net::error::address_in_use) {
    fail(ErrorKind::kIo, "port {} of {} is in use by another program; stop that one or choose another port",
         options.port, options.host);
  }
  fail(ErrorKind::kIo, "cannot listen on port {} of {}: {}", options.port, options.host, error.message());
}

}  // namespace

// Accepts connections on a strand of its own.
class HttpServer::Listener {
 public:
  Listener(const ServerOptions& options, const Router& router, LogSink log)
      : io_(std::make_shared<net::io_context>(options.threads)),
        setting_{io_, &router, options, std::move(log)},
        strand_(net::make_strand(*io_)),
        acceptor_(strand_),
        pause_(strand_) {
    listen_on_any(acceptor_, resolve(*io_, options), options);
    port_ = acceptor_.local_endpoint().port();
    accept();
  }

  uint16_t port() const { return port_; }

  void run() {
    std::jthread signal_thread([this] { signal_io_.run(); });
    std::vector<std::jthread> threads;
    for (int i = 1; i < setting_.options.threads; ++i) threads.emplace_back([this] { work(); });
    work();
    signal_io_.stop();
  }

  void drain() {
    net::post(strand_, [this] { end(&Session::drain); });
  }
  void abort() {
    net::post(strand_, [this] { end(&Session::abort); });
  }

  void drain_on_signals() {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    await_signal(true);
  }

 private:
  // A session that lacks memory must not end the others.
  void work() {
    for (;;) {
      try {
        io_->run();
        return;
      } catch (const std::exception& error) {
        log(setting_.log, LogLevel::kError, error.what());
      }
    }
  }

  void accept() {
    acceptor_.async_accept(net::make_strand(*io_), [this](error_code error, tcp::socket socket) {
      if (ending_) return;
      if (!error) {
        accept();  // first: what goes wrong with one client must not keep out the others
        welcome(std::move(socket));
      } else {  // out of file descriptors, most likely
        pause_.expires_after(kAcceptPause);
        pause_.async_wait([this](error_code /*error*/) {
          if (!ending_) accept();
        });
      }
    });
  }

  void welcome(tcp::socket socket) {
    std::erase_if(sessions_, [](const std::weak_ptr<Session>& session) { return session.expired(); });
    error_code ignored;
    ignored = socket.set_option(tcp::no_delay(true), ignored);
    const size_t limit = setting_.options.max_connections;
    if (sessions_.size() >= 2 * limit) return;
    const std::shared_ptr<Session> session = Session::create(std::move(socket), setting_);
    sessions_.size() < limit ? session->start() : session->turn_away();
    sessions_.push_back(session);
  }

  void end(void (Session::*how)()) {
    if (!std::exchange(ending_, true)) {
      error_code ignored;
      ignored = acceptor_.close(ignored);
      pause_.cancel();
    }
    for (const std::weak_ptr<Session>& entry : sessions_) {
      if (const std::shared_ptr<Session> session = entry.lock()) ((*session).*how)();
    }
  }

  void await_signal(bool first) {
    signals_.async_wait([this, first](error_code error, int /*signal*/) {
      if (error) return;
      log(setting_.log, LogLevel::kInfo,
          first ? "finishing the requests in progress; a second signal ends them" : "ending the requests in progress");
      first ? drain() : abort();
      if (first) await_signal(false);
    });
  }

  std::shared_ptr<net::io_context> io_;
  SessionSetting setting_;
  net::strand<net::io_context::executor_type> strand_;
  tcp::acceptor acceptor_;
  net::steady_timer pause_;
  uint16_t port_ = 0;
  bool ending_ = false;
  std::vector<std::weak_ptr<Session>> sessions_;
  // Apart, since waiting for a signal must not keep run() from returning.
  net::io_context signal_io_;
  // Signals may be asked for when the thread that waits for them runs already.
  net::executor_work_guard<net::io_context::executor_type> signal_work_{signal_io_.get_executor()};
  net::signal_set signals_{signal_io_};
};

HttpServer::HttpServer(const ServerOptions& options, const Router& router, LogSink log) {
  check(options);
  listener_ = std::make_unique<Listener>(options, router, std::move(log));
}

HttpServer::~HttpServer() = default;

uint16_t HttpServer::port() const { return listener_->port(); }
void HttpServer::run() { listener_->run(); }
void HttpServer::drain() { listener_->drain(); }
void HttpServer::abort() { listener_->abort(); }
void HttpServer::drain_on_signals() { listener_->drain_on_signals(); }

}  // namespace patina::server
