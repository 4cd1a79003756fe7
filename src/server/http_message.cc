#include "server/http_message.h"

#include <fmt/format.h>

namespace patina::server {
namespace {

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Payload Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

std::string_view connection_header(const Connection& connection) {
  if (!connection.keep_alive) return "Connection: close\r\n";
  return connection.http_1_0 ? "Connection: keep-alive\r\n" : "";
}

}  // namespace

std::string serialize(const HttpResponse& response, const Connection& connection) {
  std::string text =
      fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}", response.status,
                  reason(response.status), response.content_type, response.body.size(), connection_header(connection));
  for (const auto& [name, value] : response.headers) text += fmt::format("{}: {}\r\n", name, value);
  text += "\r\n";
  if (!connection.omits_body) text += response.body;
  return text;
}

std::string serialize_stream_head(const Connection& connection) {
  // The last header tells nginx, as a proxy, to pass events on as they come.
  return fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
      "X-Accel-Buffering: no\r\n{}{}\r\n",
      connection.http_1_0 ? "" : "Transfer-Encoding: chunked\r\n", connection_header(connection));
}

std::string serialize_stream_piece(std::string_view text, const Connection& connection) {
  return connection.http_1_0 ? std::string(text) : fmt::format("{:x}\r\n{}\r\n", text.size(), text);
}

std::string serialize_stream_end(const Connection& connection) { return connection.http_1_0 ? "" : "0\r\n\r\n"; }

}  // namespace patina::server
