#include "sources/source.hpp"

namespace fcn_edge::app {

std::string shown(const std::string& spec) {
  const std::size_t scheme = spec.find("://");
  if (scheme == std::string::npos) return spec;
  const std::size_t host = scheme + 3;
  const std::size_t end = spec.find_first_of("/?#", host);
  const std::size_t at = spec.rfind('@', end);
  if (at == std::string::npos || at < host) return spec;
  const std::size_t colon = spec.find(':', host);
  if (colon > at) return spec;  // a user without a password
  return spec.substr(0, colon + 1) + "***" + spec.substr(at);
}

}  // namespace fcn_edge::app
