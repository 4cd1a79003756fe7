#include "server/router.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <new>
#include <utility>
#include <vector>

#include "server/error_response.h"

namespace patina::server {
namespace {

// What a client sent goes into messages only so far.
std::string_view shortened(std::string_view text) { return text.substr(0, 100); }

}  // namespace

void Router::add(const std::string& method, const std::string& path, Handler handler) {
  handlers_[path][method] = std::move(handler);
}

void Router::add(const std::string& method, const std::string& path,
                 std::function<HttpResponse(const HttpRequest& request)> handler) {
  handlers_[path][method] = [answer = std::move(handler)](const HttpRequest& request,
                                                          const std::shared_ptr<Responder>& to) {
    to->respond(answer(request));
    return std::unique_ptr<Job>();
  };
}

std::unique_ptr<Job> Router::handle(const HttpRequest& request, const std::shared_ptr<Responder>& to) const {
  HttpResponse response;
  try {
    return dispatch(request, to);
  } catch (const Error& error) {
    response = error_response(error);
  } catch (const std::bad_alloc&) {
    response = error_response(503, "there is not enough memory for this request");
  } catch (const std::exception& error) {
    response = error_response(500, error.what());
  }
  to->respond(std::move(response));
  return nullptr;
}

std::unique_ptr<Job> Router::dispatch(const HttpRequest& request, const std::shared_ptr<Responder>& to) const {
  const auto path = handlers_.find(request.path);
  if (path == handlers_.end()) {
    to->respond(error_response(404, fmt::format("there is no {}", shortened(request.path))));
    return nullptr;
  }
  const auto handler = path->second.find(request.method == "HEAD" ? "GET" : request.method);
  if (handler != path->second.end()) return handler->second(request, to);
  std::vector<std::string_view> allowed;
  for (const auto& [method, unused] : path->second) {
    allowed.push_back(method);
    if (method == "GET") allowed.emplace_back("HEAD");
  }
  const std::string list = fmt::format("{}", fmt::join(allowed, ", "));
  HttpResponse response =
      error_response(405, fmt::format("{} takes {}, not {}", shortened(request.path), list, shortened(request.method)));
  response.headers.emplace_back("Allow", list);
  to->respond(std::move(response));
  return nullptr;
}

}  // namespace patina::server
