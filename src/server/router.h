#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "server/http_message.h"
#include "server/responder.h"

namespace patina::server {

// Answers a request at once, or later from another thread, through the responder; work that goes on is returned as a
// job. What it throws becomes the response.
using Handler = std::function<std::unique_ptr<Job>(const HttpRequest& request, const std::shared_ptr<Responder>& to)>;

// Finds the handler of a request. Safe to share between threads while it does not change.
class Router {
 public:
  void add(const std::string& method, const std::string& path, Handler handler);
  // A handler that answers at once.
  void add(const std::string& method, const std::string& path,
           std::function<HttpResponse(const HttpRequest& request)> handler);

  // Never throws: an unknown path is answered with 404, another method with 405, and a handler's exceptions with the
  // status that suits them. HEAD goes where GET does.
  std::unique_ptr<Job> handle(const HttpRequest& request, const std::shared_ptr<Responder>& to) const;

 private:
  std::unique_ptr<Job> dispatch(const HttpRequest& request, const std::shared_ptr<Responder>& to) const;

  std::map<std::string, std::map<std::string, Handler>> handlers_;  // by path, then method
};

}  // namespace patina::server
