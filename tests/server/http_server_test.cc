#include "server/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <future>
#include <memory>
#include <thread>

#include "base/error.h"
#include "server/api.h"
#include "server/fake_completer.h"
#include "server/http_client.h"

namespace patina::server {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kStream = R"({"prompt": "p", "stream": true})";
constexpr const char* kWhole = R"({"prompt": "p"})";

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() {
    options_.port = 0;
    options_.threads = 2;
  }
  ~HttpServerTest() override {
    if (server_) server_->abort();
  }

  void start() {
    server_ = std::make_unique<HttpServer>(options_, router_);
    thread_ = std::jthread([this] {
      server_->run();
      ended_.set_value();
    });
  }
  HttpClient connect() {
    if (!server_) start();
    return HttpClient(server_->port());
  }
  bool has_ended() { return ended_future_.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }
  void await_end() { ASSERT_EQ(ended_future_.wait_for(std::chrono::seconds(10)), std::future_status::ready); }

  FakeCompleter completer_;
  Router router_ = make_router(completer_);
  ServerOptions options_;
  std::promise<void> ended_;
  std::future<void> ended_future_ = ended_.get_future();
  std::unique_ptr<HttpServer> server_;
  std::jthread thread_;
};

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  HttpClient client = connect();
  for (int i = 0; i < 3; ++i) {
    client.get("/health?x=1");
    EXPECT_THAT(client.read_response(),
                AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Type: application/json"),
                      EndsWith(R"({"status":"ok"})")));
  }
  client.get("/nowhere");
  EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 404 "));
  client.post("/health", "");
  EXPECT_THAT(client.read_response(), AllOf(StartsWith("HTTP/1.1 405 "), HasSubstr("Allow: GET, HEAD\r\n")));
  client.post("/completion", kWhole);
  completer_.say(0, "text");
  completer_.finish(0);
  EXPECT_THAT(client.read_response(), HasSubstr(R"("content":"text")"));
  client.get("/health");
  EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  HttpClient client = connect();
  client.send("HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("Content-Length: 15\r\n"));
  client.get("/health");
  EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, ClosesWhereTheClientWantsIt) {
  HttpClient client = connect();
  client.send("GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.read_response(), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpServerTest, StreamsAsTheTextComes) {
  HttpClient client = connect();
  client.post("/completion", kStream);
  completer_.say(0, "one");
  EXPECT_THAT(client.read_until("\n\n"), AllOf(HasSubstr("Content-Type: text/event-stream\r\n"),
                                               HasSubstr("\r\n\r\n30\r\ndata: {\"content\":\"one\"")));
  completer_.say(0, "two");
  EXPECT_THAT(client.read_until("\n\n"), HasSubstr("two"));
  completer_.finish(0);
  EXPECT_THAT(client.read_until("\r\n0\r\n\r\n"), HasSubstr("\"stop\":true"));
  client.get("/health");
  EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, StreamsRunTogether) {
  HttpClient first = connect();
  HttpClient second = connect();
  first.post("/completion", kStream);
  completer_.say(0, "first");
  EXPECT_THAT(first.read_until("\n\n"), HasSubstr("first"));
  second.post("/completion", kStream);
  completer_.say(1, "second");
  EXPECT_THAT(second.read_until("\n\n"), HasSubstr("second"));
  completer_.say(0, "last of first");
  completer_.finish(0);
  EXPECT_THAT(first.read_until("0\r\n\r\n"), HasSubstr("last of first"));
  completer_.finish(1);
  EXPECT_THAT(second.read_until("0\r\n\r\n"), HasSubstr("\"stop\":true"));
}

TEST_F(HttpServerTest, OldClientsGetStreamsWithoutChunks) {
  HttpClient client = connect();
  client.send("POST /completion HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 31\r\n\r\n" +
              std::string(kStream));
  completer_.say(0, "one");
  completer_.finish(0);
  EXPECT_THAT(client.read_until("\r\n\r\n"), AllOf(Not(HasSubstr("chunked")), HasSubstr("Connection: close")));
  EXPECT_THAT(client.read_until("\n\n"), StartsWith("data: {\"content\":\"one\""));
  EXPECT_THAT(client.read_until("\n\n"), StartsWith("data: {\"content\":\"\""));
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpServerTest, AClientThatHangsUpEndsItsJob) {
  HttpClient streaming = connect();
  HttpClient waiting = connect();
  streaming.post("/completion", kStream);
  completer_.say(0, "one");
  EXPECT_THAT(streaming.read_until("\n\n"), HasSubstr("one"));
  waiting.post("/completion", kWhole);
  completer_.say(1, "one");
  streaming.close();
  completer_.await_cancelled(0);
  waiting.close();
  completer_.await_cancelled(1);
  completer_.say(0, "late words are dropped");
  completer_.finish(0);
  HttpClient another = connect();
  another.get("/health");
  EXPECT_THAT(another.read_response(), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, TheNextRequestMayComeEarly) {
  HttpClient client = connect();
  client.post("/completion", kStream);
  completer_.say(0, "one");
  client.get("/health");
  EXPECT_THAT(client.read_until("\n\n"), HasSubstr("one"));
  completer_.finish(0);
  (void)client.read_until("0\r\n\r\n");
  EXPECT_THAT(client.read_response(), EndsWith(R"({"status":"ok"})"));
}

TEST_F(HttpServerTest, AnAbandonedRequestEnds) {
  HttpClient client = connect();
  client.post("/completion", kWhole);
  completer_.drop(0);
  EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 500 "));
  client.post("/completion", kStream);
  completer_.say(1, "one");
  completer_.drop(1);
  (void)client.read_until("\n\n\r\n");
  EXPECT_TRUE(client.at_end());
}

TEST_F(HttpServerTest, RefusesBodiesThatAreTooLarge) {
  options_.max_body = 1000;
  HttpClient client = connect();
  client.post("/completion", std::string(100'000, ' '));
  EXPECT_THAT(client.read_response(), AllOf(StartsWith("HTTP/1.1 413 "), HasSubstr("larger than 1000 bytes"),
                                            HasSubstr("invalid_request_error")));
  EXPECT_TRUE(client.at_end());

  HttpClient chunked = connect();
  chunked.send("POST /completion HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n" +
               std::string(0x800, ' ') + "\r\n0\r\n\r\n");
  EXPECT_THAT(chunked.read_response(), StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, ReadsChunkedBodies) {
  HttpClient client = connect();
  client.send(
      "POST /tokenize HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "7\r\n{\"conte\r\n9\r\nnt\":\"a\"} \r\n0\r\n\r\n");
  EXPECT_THAT(client.read_response(), EndsWith(R"({"tokens":[97]})"));
}

TEST_F(HttpServerTest, TellsAClientThatAsksToGoOn) {
  HttpClient client = connect();
  client.send("POST /tokenize HTTP/1.1\r\nHost: x\r\nContent-Length: 15\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send(R"({"content":"a"})");
  EXPECT_THAT(client.read_response(), EndsWith(R"({"tokens":[97]})"));
}

TEST_F(HttpServerTest, RefusesWhatIsNotHttp) {
  const std::pair<std::string, std::string> cases[] = {
      {"nonsense\r\n\r\n", "400"},
      {"GET / HTTP/3.7\r\n\r\n", "400"},
      {"GET /\xFF\x01 HTTP/1.1\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nbad header\r\n\r\n", "400"},
      {"POST /tokenize HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
      {"GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n", "431"}};
  for (const auto& [bytes, status] : cases) {
    HttpClient client = connect();
    client.send(bytes);
    EXPECT_THAT(client.read_response(), StartsWith("HTTP/1.1 " + status)) << bytes.substr(0, 50);
    EXPECT_TRUE(client.at_end());
  }
}

TEST_F(HttpServerTest, SlowClientsAreCutOff) {
  options_.head_timeout = std::chrono::milliseconds(100);
  options_.body_timeout = std::chrono::milliseconds(100);
  HttpClient idle = connect();
  HttpClient in_head = connect();
  HttpClient in_body = connect();
  in_head.send("GET / HT");
  in_body.send("POST /tokenize HTTP/1.1\r\nContent-Length: 15\r\n\r\n{");
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(in_head.at_end());
  EXPECT_TRUE(in_body.at_end());
}

TEST_F(HttpServerTest, AnAnswerMayTakeLongerThanTheTimeouts) {
  options_.head_timeout = std::chrono::milliseconds(100);
  options_.body_timeout = std::chrono::milliseconds(100);
  HttpClient client = connect();
  client.post("/completion", kWhole);
  completer_.say(0, "slow");
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  completer_.finish(0);
  EXPECT_THAT(client.read_response(), HasSubstr("slow"));
}

TEST_F(HttpServerTest, AClientThatDoesNotReadIsCutOff) {
  options_.write_timeout = std::chrono::milliseconds(200);
  HttpClient client = connect();
  client.post("/completion", kStream);
  for (int i = 0; i < 7; ++i) completer_.say(0, std::string(1 << 20, 'x'));
  completer_.await_cancelled(0);
}

TEST_F(HttpServerTest, TurnsConnectionsAwayBeyondTheLimit) {
  options_.max_connections = 1;
  HttpClient first = connect();
  first.get("/health");
  EXPECT_THAT(first.read_response(), StartsWith("HTTP/1.1 200 "));
  HttpClient second = connect();
  EXPECT_THAT(second.read_response(), StartsWith("HTTP/1.1 503 "));
}

TEST_F(HttpServerTest, DrainingFinishesWhatRuns) {
  HttpClient idle = connect();
  HttpClient busy = connect();
  idle.get("/health");
  (void)idle.read_response();
  busy.post("/completion", kStream);
  completer_.say(0, "one");
  (void)busy.read_until("\n\n");
  server_->drain();
  EXPECT_TRUE(idle.at_end());
  EXPECT_FALSE(has_ended());
  EXPECT_ANY_THROW(connect());
  completer_.say(0, "two");
  completer_.finish(0);
  EXPECT_THAT(busy.read_until("0\r\n\r\n"), AllOf(HasSubstr("two"), HasSubstr("\"stop\":true")));
  EXPECT_TRUE(busy.at_end());
  await_end();
}

TEST_F(HttpServerTest, ASignalDrainsAndASecondOneAborts) {
  HttpClient client = connect();
  server_->drain_on_signals();
  client.post("/completion", kStream);
  completer_.say(0, "one");
  (void)client.read_until("\n\n");
  std::raise(SIGTERM);
  completer_.say(0, "two");
  EXPECT_THAT(client.read_until("\n\n"), HasSubstr("two"));
  EXPECT_FALSE(has_ended());
  std::raise(SIGTERM);
  completer_.await_cancelled(0);
  await_end();
}

TEST_F(HttpServerTest, ManyClientsAtOnce) {
  completer_.instant_answer = "yes";
  start();
  std::array<std::jthread, 8> clients;
  for (std::jthread& thread : clients) {
    thread = std::jthread([this] {
      HttpClient client(server_->port());
      for (int request = 0; request < 20; ++request) {
        client.post("/completion", request % 2 == 0 ? kStream : kWhole);
        EXPECT_THAT(client.read_response(), HasSubstr(R"("content":"yes")"));
      }
    });
  }
}

TEST_F(HttpServerTest, APortInUseIsOneSentence) {
  start();
  options_.port = server_->port();
  try {
    const HttpServer second(options_, router_);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_THAT(error.what(), AllOf(HasSubstr(std::to_string(options_.port)), HasSubstr("in use")));
  }
}

TEST_F(HttpServerTest, RefusesOptionsOutOfRange) {
  ServerOptions no_address = options_;
  no_address.host = "no such host!";
  EXPECT_THROW(HttpServer(no_address, router_), Error);
  ServerOptions no_threads = options_;
  no_threads.threads = 0;
  EXPECT_THROW(HttpServer(no_threads, router_), Error);
}

}  // namespace
}  // namespace patina::server
