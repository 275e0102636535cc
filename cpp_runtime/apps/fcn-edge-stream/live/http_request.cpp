#include "live/http_request.hpp"

#include <algorithm>
#include <cctype>

namespace fcn_edge::app {
namespace {

std::string found(const std::map<std::string, std::string>& table, const std::string& name) {
  const auto entry = table.find(name);
  return entry == table.end() ? "" : entry->second;
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// "a%20b+c" is "a b c"; a percent sign without two hex digits stands for itself.
std::string decoded(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(16 * high + low);
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::map<std::string, std::string> parse_query(const std::string& text) {
  std::map<std::string, std::string> query;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('&', begin), text.size());
    const std::string pair = text.substr(begin, end - begin);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    query.emplace(decoded(pair.substr(0, equals)), decoded(pair.substr(std::min(equals + 1, pair.size()))));
    begin = end + 1;
  }
  return query;
}

bool parse_first_line(const std::string& line, HttpRequest& request) {
  const std::size_t target = line.find(' ');
  const std::size_t version = line.rfind(' ');
  if (target == std::string::npos || version <= target) return false;
  const std::string protocol = line.substr(version + 1);
  const std::string asked = line.substr(target + 1, version - target - 1);
  if ((protocol != "HTTP/1.1" && protocol != "HTTP/1.0") || asked.empty() || asked.front() != '/')
    return false;
  const std::size_t mark = std::min(asked.find('?'), asked.size());
  request.method = line.substr(0, target);
  request.path = asked.substr(0, mark);
  request.query = parse_query(asked.substr(std::min(mark + 1, asked.size())));
  return true;
}

bool parse_header(const std::string& line, HttpRequest& request) {
  const std::size_t colon = line.find(':');
  if (colon == std::string::npos || colon == 0) return false;
  std::string name = line.substr(0, colon);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const bool fresh = request.headers.emplace(name, trimmed(line.substr(colon + 1))).second;
  return fresh || name != "host";
}

}  // namespace

std::string HttpRequest::header(const std::string& name) const { return found(headers, name); }
std::string HttpRequest::parameter(const std::string& name) const { return found(query, name); }

std::optional<HttpRequest> parse_request(const std::string& head) {
  HttpRequest request;
  bool first = true;
  for (std::size_t begin = 0; begin < head.size();) {
    const std::size_t end = head.find("\r\n", begin);
    if (end == std::string::npos) return std::nullopt;
    if (end == begin) break;  // the empty line
    const std::string line = head.substr(begin, end - begin);
    if (!(first ? parse_first_line(line, request) : parse_header(line, request))) return std::nullopt;
    first = false;
    begin = end + 2;
  }
  return first ? std::nullopt : std::optional(request);
}

}  // namespace fcn_edge::app
