#include "live/listener.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <fcn_edge/error.hpp>
#include <memory>
#include <system_error>
#include <utility>

namespace fcn_edge::app {
namespace {

constexpr int kBacklog = 64;

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses resolve(const std::string& host, int port, std::string& why) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) why = gai_strerror(failed);
  return {failed == 0 ? found : nullptr, &freeaddrinfo};
}

// SO_REUSEADDR lets a program that was started again have its port back at once. Never SO_REUSEPORT: two
// programs would share the port, and a viewer would see now the one, now the other.
bool listens(int fd, const addrinfo& address) {
  const int yes = 1;
  const int no = 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (address.ai_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
  return ::bind(fd, address.ai_addr, address.ai_addrlen) == 0 && ::listen(fd, kBacklog) == 0;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Descriptor listen_on(const std::string& host, int port) {
  std::string why;
  int error = 0;
  const Addresses addresses = resolve(host, port, why);
  // "localhost" has two addresses. Another one is for machines without IPv6, not for a port that is taken.
  for (const addrinfo* one = addresses.get(); one != nullptr && error != EADDRINUSE; one = one->ai_next) {
    Descriptor listener(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (listener.get() >= 0 && listens(listener.get(), *one)) return listener;
    error = errno;
  }
  if (error != 0) why = std::generic_category().message(error);
  throw Error(ErrorCode::io, "cannot serve on " + host + ":" + std::to_string(port) + ": " + why,
              error == EADDRINUSE ? "another program has this port: type another one, or 0 for a free one"
                                  : "type an address of this machine, for example 127.0.0.1:8080");
}

int port_of(const Descriptor& listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace fcn_edge::app
