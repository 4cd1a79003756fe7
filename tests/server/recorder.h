#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "server/responder.h"
#include "server/router.h"

namespace patina::server {

// Keeps what a handler answers. For one thread.
class Recorder final : public Responder {
 public:
  void respond(HttpResponse given) override {
    response = std::move(given);
    ++endings;
  }
  void stream(std::string text) override { events += text; }
  void end_stream() override { ++endings; }

  nlohmann::json json() const { return nlohmann::json::parse(response.body); }
  std::string message() const { return json()["error"]["message"]; }
  // What follows "data: " in each event; "[DONE]" becomes a string.
  std::vector<nlohmann::json> event_values() const {
    std::vector<nlohmann::json> values;
    size_t begin = 0;
    for (size_t end = 0; (end = events.find("\n\n", begin)) != std::string::npos; begin = end + 2) {
      const std::string data = events.substr(begin, end - begin).substr(6);
      values.push_back(data == "[DONE]" ? nlohmann::json(data) : nlohmann::json::parse(data));
    }
    return values;
  }

  HttpResponse response;
  std::string events;
  int endings = 0;
};

// What a router made of one request; the job, if there is one, goes on until this is destroyed.
struct Exchange {
  std::shared_ptr<Recorder> recorder = std::make_shared<Recorder>();
  std::unique_ptr<Job> job;

  Exchange(const Router& router, const std::string& method, const std::string& path, const std::string& body = "")
      : job(router.handle({.method = method, .path = path, .body = body}, recorder)) {}

  const Recorder* operator->() const { return recorder.get(); }
};

}  // namespace patina::server
