#pragma once

#include <string>

#include "server/http_message.h"

namespace patina::server {

// Where the answer to one request goes: either one respond(), or any number of stream() and one end_stream(). May be
// called from any thread, one call at a time; what comes after the client has gone is dropped. Letting go of it before
// the answer is complete ends the connection.
class Responder {
 public:
  Responder() = default;
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;
  virtual ~Responder() = default;

  virtual void respond(HttpResponse response) = 0;
  // A piece of a stream of server-sent events, not empty; the first one begins the response.
  virtual void stream(std::string events) = 0;
  virtual void end_stream() = 0;
};

// Work that goes on after a request's handler has returned. Destroying it cancels the work if it still runs; calls of
// its Responder may still come for a moment.
class Job {
 public:
  Job() = default;
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  virtual ~Job() = default;
};

}  // namespace patina::server
