#include "server/session.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>
#include <string>
#include <utility>

#include "server/error_response.h"

namespace patina::server {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr uint32_t kMaxHead = 16 << 10;
constexpr size_t kMaxUnsent = 8 << 20;      // beyond this much, a client that does not read is given up
constexpr size_t kMaxReadAhead = 64 << 10;  // of the next request, while one is being answered
constexpr std::chrono::seconds kLinger(2);  // how long a refused client may go on sending before the connection goes

class SessionImpl final : public Session, public std::enable_shared_from_this<SessionImpl> {
 public:
  SessionImpl(net::ip::tcp::socket socket, const SessionSetting& setting)
      : setting_(setting), options_(setting.options), stream_(std::move(socket)) {}

  void start() override {
    post([](SessionImpl& self) { self.read_head(); });
  }
  void turn_away() override {
    post([](SessionImpl& self) { self.refuse(503, "the server has no connection left; try again in a moment"); });
  }
  void drain() override {
    post([](SessionImpl& self) {
      self.draining_ = true;
      self.connection_.keep_alive = false;
      if (self.phase_ == Phase::kHead) self.close();
    });
  }
  void abort() override {
    post([](SessionImpl& self) { self.close(); });
  }

 private:
  enum class Phase { kHead, kBody, kAnswering, kAnswered, kLingering, kClosed };
  class SocketResponder;

  template <typename Action>
  void post(Action action) {
    net::post(stream_.get_executor(),
              [self = shared_from_this(), action = std::move(action)]() mutable { action(*self); });
  }

  // A handler that keeps the session alive and calls `member`.
  template <typename... Args>
  auto then(void (SessionImpl::*member)(error_code, Args...)) {
    return [self = shared_from_this(), member](error_code error, Args... args) { ((*self).*member)(error, args...); };
  }

  void read_head();
  void on_head(error_code error, size_t bytes);
  void read_body();
  void on_body(error_code error, size_t bytes);
  void on_read_error(error_code error);
  void dispatch();

  void watch();
  void on_watched(error_code error, size_t bytes);
  void on_answered();
  void go_on();

  void respond(const HttpResponse& response);
  void send_events(std::string_view events);
  void end_events();
  void abandon();
  void refuse(int status, std::string_view message);

  void send(std::string_view bytes);
  void write();
  void on_written(error_code error, size_t bytes);

  void linger();
  void on_lingered(error_code error, size_t bytes);
  void close();

  const SessionSetting& setting_;
  const ServerOptions& options_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::unique_ptr<http::request_parser<http::string_body>> parser_;  // of the request that is being read
  Phase phase_ = Phase::kHead;
  bool draining_ = false;
  bool watching_ = false;   // a read is pending that tells when the client hangs up
  bool refused_ = false;    // what the client still sends is not read as requests
  bool streaming_ = false;  // the head of a stream has been sent
  Connection connection_;
  uint64_t request_ = 0;  // counts them
  std::unique_ptr<Job> job_;
  std::string unsent_;
  std::string writing_;  // empty: no write is pending
};

// Carries an answer to the session's strand. Holds the io_context, so that a late call finds it alive.
class SessionImpl::SocketResponder final : public Responder {
 public:
  explicit SocketResponder(const std::shared_ptr<SessionImpl>& session)
      : io_(session->setting_.io), session_(session), request_(session->request_) {}

  ~SocketResponder() override {
    if (!complete_) post([](SessionImpl& session) { session.abandon(); });
  }

  void respond(HttpResponse response) override {
    complete_ = true;
    post([response = std::move(response)](SessionImpl& session) { session.respond(response); });
  }
  void stream(std::string events) override {
    post([events = std::move(events)](SessionImpl& session) { session.send_events(events); });
  }
  void end_stream() override {
    complete_ = true;
    post([](SessionImpl& session) { session.end_events(); });
  }

 private:
  template <typename Action>
  void post(Action action) {
    if (const std::shared_ptr<SessionImpl> session = session_.lock()) {
      session->post([request = request_, action = std::move(action)](SessionImpl& self) {
        if (self.phase_ == Phase::kAnswering && self.request_ == request) action(self);
      });
    }
  }

  std::shared_ptr<net::io_context> io_;
  std::weak_ptr<SessionImpl> session_;
  uint64_t request_;
  bool complete_ = false;
};

// Reading requests.

void SessionImpl::read_head() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kHead;
  parser_ = std::make_unique<http::request_parser<http::string_body>>();
  parser_->header_limit(kMaxHead);
  parser_->body_limit(options_.max_body);
  stream_.expires_after(options_.head_timeout);
  http::async_read_header(stream_, buffer_, *parser_, then(&SessionImpl::on_head));
}

void SessionImpl::on_head(error_code error, size_t /*bytes*/) {
  if (phase_ == Phase::kClosed) return;
  if (error) return on_read_error(error);
  read_body();
  const bool asks = beast::iequals(parser_->get()[http::field::expect], "100-continue");
  if (asks) send("HTTP/1.1 100 Continue\r\n\r\n");
}

void SessionImpl::read_body() {
  phase_ = Phase::kBody;
  stream_.expires_after(options_.body_timeout);
  http::async_read(stream_, buffer_, *parser_, then(&SessionImpl::on_body));
}

void SessionImpl::on_body(error_code error, size_t /*bytes*/) {
  if (phase_ == Phase::kClosed) return;
  if (error) return on_read_error(error);
  dispatch();
}

void SessionImpl::on_read_error(error_code error) {
  if (error == http::error::body_limit) {
    return refuse(413, fmt::format("the request body is larger than {} bytes", options_.max_body));
  }
  if (error == http::error::header_limit) {
    return refuse(431, fmt::format("the request's head is larger than {} bytes", kMaxHead));
  }
  const bool malformed = error.category() == http::make_error_code(http::error::bad_method).category();
  const bool hung_up = error == http::error::end_of_stream || error == http::error::partial_message;
  if (!malformed || hung_up) return close();
  refuse(400, fmt::format("the request is not well-formed HTTP: {}", error.message()));
}

void SessionImpl::dispatch() {
  const auto& message = parser_->get();
  HttpRequest request;
  request.method = std::string(message.method_string());
  const std::string_view target(message.target().data(), message.target().size());
  request.path = std::string(target.substr(0, target.find('?')));
  connection_.keep_alive = parser_->keep_alive() && !draining_;
  connection_.http_1_0 = message.version() < 11;
  connection_.omits_body = message.method() == http::verb::head;
  request.body = std::move(parser_->get().body());
  ++request_;
  streaming_ = false;
  phase_ = Phase::kAnswering;
  log(setting_.log, LogLevel::kDebug, fmt::format("{} {}", request.method, request.path));
  watch();
  job_ = setting_.router->handle(request, std::make_shared<SocketResponder>(shared_from_this()));
}

// While a request is being answered: does the client hang up?

void SessionImpl::watch() {
  watching_ = true;
  stream_.expires_never();
  stream_.async_read_some(buffer_.prepare(4096), then(&SessionImpl::on_watched));
}

void SessionImpl::on_watched(error_code error, size_t bytes) {
  watching_ = false;
  if (phase_ == Phase::kClosed) return;
  buffer_.commit(bytes);
  const bool cancelled = error == net::error::operation_aborted;
  const bool answered = phase_ == Phase::kAnswered && writing_.empty();
  if ((error && !cancelled) || buffer_.size() > kMaxReadAhead) {
    close();
  } else if (answered) {
    go_on();
  } else {
    watch();
  }
}

void SessionImpl::on_answered() {
  job_.reset();
  if (watching_) {
    stream_.cancel();  // on_watched() goes on
  } else {
    go_on();
  }
}

void SessionImpl::go_on() {
  if (refused_) {
    linger();
  } else if (connection_.keep_alive) {
    read_head();
  } else {
    close();
  }
}

// Answering.

void SessionImpl::respond(const HttpResponse& response) {
  phase_ = Phase::kAnswered;
  send(serialize(response, connection_));
}

void SessionImpl::send_events(std::string_view events) {
  // The connection's end ends a stream that has no chunks.
  if (connection_.http_1_0) connection_.keep_alive = false;
  if (!std::exchange(streaming_, true)) send(serialize_stream_head(connection_));
  send(serialize_stream_piece(events, connection_));
}

void SessionImpl::end_events() {
  phase_ = Phase::kAnswered;
  send(serialize_stream_end(connection_));
}

void SessionImpl::abandon() {
  if (!streaming_) return respond(error_response(500, "the server gave this request up"));
  // A connection that ends without the last chunk tells that the answer is not complete.
  connection_.keep_alive = false;
  phase_ = Phase::kAnswered;
  if (writing_.empty()) write();
}

void SessionImpl::refuse(int status, std::string_view message) {
  refused_ = true;
  connection_ = {.keep_alive = false, .http_1_0 = false, .omits_body = false};
  respond(error_response(status, message));
}

// Writing: one write at a time, of all that has gathered.

void SessionImpl::send(std::string_view bytes) {
  if (phase_ == Phase::kClosed) return;
  unsent_ += bytes;
  if (phase_ == Phase::kAnswering && unsent_.size() > kMaxUnsent) return close();
  if (writing_.empty()) write();
}

void SessionImpl::write() {
  if (unsent_.empty()) {
    if (phase_ == Phase::kAnswered) on_answered();
    return;
  }
  writing_ = std::exchange(unsent_, {});
  stream_.expires_after(options_.write_timeout);
  net::async_write(stream_, net::buffer(writing_), then(&SessionImpl::on_written));
}

void SessionImpl::on_written(error_code error, size_t /*bytes*/) {
  writing_.clear();
  if (phase_ == Phase::kClosed) return;
  if (error) return close();
  write();
}

// Ending.

// A socket closed while data is unread resets the connection, and the client may never see the answer; so what a
// refused client still sends is read for a while.
void SessionImpl::linger() {
  if (phase_ != Phase::kLingering) {
    phase_ = Phase::kLingering;
    error_code ignored;
    ignored = stream_.socket().shutdown(net::ip::tcp::socket::shutdown_send, ignored);
    stream_.expires_after(kLinger);
  }
  buffer_.clear();
  stream_.async_read_some(buffer_.prepare(64 << 10), then(&SessionImpl::on_lingered));
}

void SessionImpl::on_lingered(error_code error, size_t /*bytes*/) {
  if (phase_ == Phase::kClosed) return;
  if (error) return close();
  linger();
}

void SessionImpl::close() {
  phase_ = Phase::kClosed;
  job_.reset();
  stream_.close();
}

}  // namespace

std::shared_ptr<Session> Session::create(net::ip::tcp::socket socket, const SessionSetting& setting) {
  return std::make_shared<SessionImpl>(std::move(socket), setting);
}

}  // namespace patina::server
