#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace patina::server {

struct HttpRequest {
  std::string method;  // "GET", "POST" ...
  std::string path;    // without the query
  std::string body;
};

struct HttpResponse {
  int status = 200;
  std::string body;
  std::string content_type = "application/json; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> headers;  // besides type, length and connection
};

// What the head of a response depends on besides the response itself.
struct Connection {
  bool keep_alive = true;   // whether another request may follow
  bool http_1_0 = false;    // the client knows no chunks
  bool omits_body = false;  // the answer to HEAD
};

// The bytes of a whole response.
std::string serialize(const HttpResponse& response, const Connection& connection);

// The bytes of a stream of server-sent events: its head, one piece of it (not empty), its end. HTTP/1.0 clients get
// it unchunked, and the end of the connection ends it.
std::string serialize_stream_head(const Connection& connection);
std::string serialize_stream_piece(std::string_view text, const Connection& connection);
std::string serialize_stream_end(const Connection& connection);

}  // namespace patina::server
