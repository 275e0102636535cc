#include "ground/shown_source.hpp"

#include <algorithm>
#include <cctype>

namespace fcn_edge::app {
namespace {

constexpr const char* kHidden = "***";
constexpr std::size_t kNone = std::string::npos;

bool starts_with(const std::string& text, const char* part) { return text.rfind(part, 0) == 0; }
bool holds(const std::string& text, const char* part) { return text.find(part) != kNone; }

// Up to the first character after which a value may follow, that one included.
std::string without_values(const std::string& text) {
  const std::size_t mark = text.find_first_of("?#;= \t");
  return mark == kNone ? text : text.substr(0, mark + 1) + kHidden;
}

// "rtspsrc location=..." is "rtspsrc location=***", whatever follows.
std::string shown_element(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string head = text.substr(0, equals);
  const std::size_t address = head.find("://");
  if (head.find('@') < address) return kHidden;
  if (address != kNone) return head.substr(0, address + 3) + kHidden;
  return equals == kNone ? text : head + "=" + kHidden;
}

// Where " ! " stands next, not counting quoted ones; the end when it does not.
std::size_t end_of_element(const std::string& text, std::size_t begin) {
  char quote = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      ++i;
    } else if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (text.compare(i, 3, " ! ") == 0) {
      return i;
    }
  }
  return text.size();
}

std::string shown_pipeline(const std::string& text) {
  std::string out;
  for (std::size_t begin = 0;;) {
    const std::size_t end = end_of_element(text, begin);
    out += shown_element(text.substr(begin, end - begin));
    if (end == text.size()) return out;
    out += " ! ";
    begin = end + 3;
  }
}

// A password may hold any character: where an @ stands behind the first /, ? or #, nobody can say where the
// host begins, and none of it is shown.
std::string shown_address(const std::string& text) {
  const std::size_t colon = text.find("://");
  const std::string scheme = text.substr(0, colon);
  const bool plain = std::all_of(scheme.begin(), scheme.end(), [](unsigned char c) {
    return c < 128 && (std::isalnum(c) != 0 || c == '+' || c == '.' || c == '-');
  });
  if (!plain) return kHidden;
  const std::string rest = text.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  const std::size_t at = rest.substr(0, end).rfind('@');
  const std::string host = rest.substr(at == kNone ? 0 : at + 1, end - (at == kNone ? 0 : at + 1));
  const std::string tail = rest.substr(end);
  if (holds(tail, "@") || holds(host, "%40")) return scheme + "://" + kHidden;
  return scheme + "://" + (at == kNone ? "" : "***@") + without_values(host + tail);
}

// A file, or what was meant to be something else: an address without its scheme, a pipeline of one element.
std::string shown_plain(const std::string& text) {
  const bool path = starts_with(text, ".") || (starts_with(text, "/") && !starts_with(text, "//"));
  if (path) return text;
  const std::size_t at = text.rfind('@');
  if (at != kNone && text.find(':') < at) {
    if (text.find_first_of("?#") < at) return kHidden;
    return "***@" + without_values(text.substr(at + 1));
  }
  const std::size_t query = text.find('?');
  if (query != kNone && text.find('=', query) != kNone) return text.substr(0, query + 1) + kHidden;
  return text.find_first_of(" \t") != kNone && holds(text, "=") ? shown_element(text) : text;
}

}  // namespace

std::string shown(const std::string& spec) {
  for (const char* safe : {"test:", "raw:", "v4l2:/", "/dev/"}) {
    if (starts_with(spec, safe) && !holds(spec, "://")) return spec;
  }
  if (holds(spec, " ! ")) return shown_pipeline(spec);
  return holds(spec, "://") ? shown_address(spec) : shown_plain(spec);
}

}  // namespace fcn_edge::app
