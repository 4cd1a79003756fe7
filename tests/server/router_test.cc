#include "server/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <stdexcept>

#include "base/error.h"
#include "server/recorder.h"

namespace patina::server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

class RouterTest : public testing::Test {
 protected:
  static HttpResponse with_body(const std::string& body) {
    HttpResponse response;
    response.body = body;
    return response;
  }

  RouterTest() {
    router_.add("GET", "/a", [](const HttpRequest& request) { return with_body(request.method); });
    router_.add("POST", "/a", [](const HttpRequest& request) { return with_body(request.body); });
    router_.add("POST", "/b", [this](const HttpRequest& /*request*/) {
      throw_();
      return HttpResponse();
    });
  }

  int status_after(void (*thrower)()) {
    throw_ = thrower;
    const Exchange exchange(router_, "POST", "/b");
    EXPECT_EQ(exchange->endings, 1);
    EXPECT_EQ(exchange->json()["error"]["code"], exchange->response.status);
    return exchange->response.status;
  }

  Router router_;
  std::function<void()> throw_;
};

TEST_F(RouterTest, ChoosesByPathAndMethod) {
  EXPECT_EQ(Exchange(router_, "GET", "/a")->response.body, "GET");
  EXPECT_EQ(Exchange(router_, "HEAD", "/a")->response.body, "HEAD");
  EXPECT_EQ(Exchange(router_, "POST", "/a", "text")->response.body, "text");
}

TEST_F(RouterTest, AnswersUnknownPathsWith404) {
  const Exchange exchange(router_, "GET", "/c");
  EXPECT_EQ(exchange->response.status, 404);
  EXPECT_EQ(exchange->json()["error"]["type"], "not_found_error");
  EXPECT_EQ(exchange->message(), "there is no /c");
}

TEST_F(RouterTest, AnswersOtherMethodsWith405AndTheMethodsThereAre) {
  const Exchange exchange(router_, "DELETE", "/a");
  EXPECT_EQ(exchange->response.status, 405);
  EXPECT_THAT(exchange->response.headers, Contains(Pair("Allow", "GET, HEAD, POST")));
  EXPECT_EQ(exchange->message(), "/a takes GET, HEAD, POST, not DELETE");
  EXPECT_EQ(Exchange(router_, "GET", "/b")->response.status, 405);
}

TEST_F(RouterTest, TurnsExceptionsIntoTheStatusThatSuitsThem) {
  EXPECT_EQ(status_after([] { fail(ErrorKind::kInvalidArgument, "no"); }), 400);
  EXPECT_EQ(status_after([] { fail(ErrorKind::kUnsupported, "no"); }), 400);
  EXPECT_EQ(status_after([] { fail(ErrorKind::kInvalidData, "no"); }), 500);
  EXPECT_EQ(status_after([] { fail(ErrorKind::kOutOfMemory, "no"); }), 503);
  EXPECT_EQ(status_after([] { throw std::bad_alloc(); }), 503);
  EXPECT_EQ(status_after([] { throw std::runtime_error("no"); }), 500);
}

}  // namespace
}  // namespace patina::server
