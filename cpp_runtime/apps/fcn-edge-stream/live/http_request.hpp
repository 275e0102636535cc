#pragma once

#include <map>
#include <optional>
#include <string>

namespace fcn_edge::app {

/// What a viewer asks for.
struct HttpRequest {
  std::string method;
  std::string path;                            ///< without the query
  std::map<std::string, std::string> query;    ///< decoded; the first of equal names
  std::map<std::string, std::string> headers;  ///< names in lower case

  /// The value, or "" where there is none. `name` of a header is in lower case.
  std::string header(const std::string& name) const;
  std::string parameter(const std::string& name) const;
};

/// Parse the request line and the headers; `head` ends with the empty line. None when that is not HTTP/1.0 or
/// 1.1, or names its host twice.
std::optional<HttpRequest> parse_request(const std::string& head);

}  // namespace fcn_edge::app
