// Whatever reaches the live page's port: any bytes are a request whose parts are as promised, or none.

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "live/http_request.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string head(reinterpret_cast<const char*>(data), size);
  const auto request = fcn_edge::app::parse_request(head);
  if (!request) return 0;
  if (request->path.empty() || request->path.find('?') != std::string::npos) std::abort();
  for (const auto& [name, value] : request->headers) {
    const auto upper = [](unsigned char letter) { return std::isupper(letter) != 0; };
    if (std::any_of(name.begin(), name.end(), upper)) std::abort();
    if (request->header(name) != value) std::abort();
  }
  for (const auto& [name, value] : request->query) {
    if (request->parameter(name) != value) std::abort();
  }
  return 0;
}
