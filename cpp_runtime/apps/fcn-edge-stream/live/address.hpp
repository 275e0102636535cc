#pragma once

#include <string>

namespace fcn_edge::app {

/// Where the live page listens.
struct LiveAddress {
  std::string host;
  int port = 0;       ///< 0 lets the system choose
  std::string token;  ///< empty: none needed
};

/// Parse HOST:PORT and apply the token rule: without a token only this machine's own addresses (127.x.x.x,
/// ::1, the name localhost) are served. Throws Error(misuse).
LiveAddress parse_live_address(const std::string& text, const std::string& token);

/// True for 127.x.x.x, ::1 and the name localhost, which cannot be reached from another machine.
bool is_loopback(const std::string& host);

/// Compare without telling by the time taken how much was right.
bool same_secret(const std::string& given, const std::string& secret);

/// The host part of "HOST:PORT", "[::1]:8080" or "HOST"; empty where there is none.
std::string host_of(const std::string& address);

}  // namespace fcn_edge::app
