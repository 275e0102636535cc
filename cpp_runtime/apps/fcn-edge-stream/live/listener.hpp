#pragma once

#include <string>

namespace fcn_edge::app {

/// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept;
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

/// A listening socket that does not block, on a port that no other program has. Throws Error(io) with one
/// sentence.
Descriptor listen_on(const std::string& host, int port);

/// The port that a listening socket has.
int port_of(const Descriptor& listener);

}  // namespace fcn_edge::app
