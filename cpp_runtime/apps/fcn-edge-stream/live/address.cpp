#include "live/address.hpp"

#include <arpa/inet.h>
#include <strings.h>

#include <algorithm>
#include <fcn_edge/error.hpp>

namespace fcn_edge::app {
namespace {

constexpr std::size_t kShortestToken = 8;

int parse_port(const std::string& text) {
  const bool digits =
      !text.empty() && text.size() < 6 && text.find_first_not_of("0123456789") == std::string::npos;
  const int port = digits ? std::stoi(text) : -1;
  return port <= 65535 ? port : -1;
}

}  // namespace

std::string host_of(const std::string& address) {
  const std::size_t bracket = address.find(']');
  if (address.empty() || address.front() != '[') return address.substr(0, address.rfind(':'));
  const bool ends = bracket + 1 == address.size() || address.compare(bracket + 1, 1, ":") == 0;
  return bracket != std::string::npos && ends ? address.substr(1, bracket - 1) : "";
}

// Numbers, not their beginnings: 127.evil.example is a name that its owner lets point anywhere.
bool is_loopback(const std::string& host) {
  in_addr four{};
  in6_addr six{};
  if (inet_pton(AF_INET, host.c_str(), &four) == 1) return ntohl(four.s_addr) >> 24 == 127;
  if (inet_pton(AF_INET6, host.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six);
  return strcasecmp(host.c_str(), "localhost") == 0;
}

bool same_secret(const std::string& given, const std::string& secret) {
  unsigned different = given.size() == secret.size() ? 0U : 1U;
  for (std::size_t i = 0; i < secret.size(); ++i) {
    const char other = i < given.size() ? given[i] : '\0';
    different |= static_cast<unsigned>(static_cast<unsigned char>(other ^ secret[i]));
  }
  return different == 0;
}

LiveAddress parse_live_address(const std::string& text, const std::string& token) {
  LiveAddress address;
  const std::size_t colon = text.rfind(':');
  address.host = host_of(text);
  address.port = colon == std::string::npos ? -1 : parse_port(text.substr(colon + 1));
  address.token = token;
  if (address.host.empty() || address.port < 0) {
    throw Error(ErrorCode::misuse, "--serve '" + text + "' is not HOST:PORT",
                "type for example --serve 127.0.0.1:8080");
  }
  if (!is_loopback(address.host) && token.empty()) {
    throw Error(ErrorCode::misuse, "--serve " + text + " would show the camera to the whole network",
                "add --serve-token SECRET, or serve 127.0.0.1 and reach it through ssh -L");
  }
  if (!token.empty() && token.size() < kShortestToken) {
    throw Error(ErrorCode::misuse, "--serve-token is shorter than 8 characters",
                "make one with openssl rand -hex 16");
  }
  return address;
}

}  // namespace fcn_edge::app
