#include "server/http_client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <stdexcept>

namespace patina::server {

HttpClient::HttpClient(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const timeval patience = {.tv_sec = 10, .tv_usec = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw std::runtime_error("cannot connect");
  }
}

void HttpClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) throw std::runtime_error("cannot send");
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

void HttpClient::get(const std::string& path) { send(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path)); }

void HttpClient::post(const std::string& path, const std::string& body, const std::string& headers) {
  send(fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{}\r\n{}", path, body.size(), headers, body));
}

bool HttpClient::receive() {
  char buffer[4096];
  const ssize_t count = ::recv(socket_.get(), buffer, sizeof(buffer), 0);
  if (count < 0) throw std::runtime_error("nothing came");
  received_.append(buffer, static_cast<size_t>(count));
  return count > 0;
}

std::string HttpClient::take(size_t bytes) {
  while (received_.size() < bytes) {
    if (!receive()) throw std::runtime_error("the connection ended early");
  }
  const std::string taken = received_.substr(0, bytes);
  received_.erase(0, bytes);
  return taken;
}

std::string HttpClient::read_until(std::string_view end) {
  size_t found;
  while ((found = received_.find(end)) == std::string::npos) {
    if (!receive()) throw std::runtime_error(fmt::format("the connection ended before {}", end));
  }
  return take(found + end.size());
}

std::string HttpClient::read_response() {
  const std::string head = read_until("\r\n\r\n");
  const std::string_view name = "Content-Length: ";
  const size_t at = head.find(name);
  if (at == std::string::npos) return head + read_until("0\r\n\r\n");
  return head + take(std::stoul(head.substr(at + name.size())));
}

bool HttpClient::at_end() { return received_.empty() && !receive(); }

}  // namespace patina::server
