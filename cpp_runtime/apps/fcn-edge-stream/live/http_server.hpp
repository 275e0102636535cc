#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "live/http_request.hpp"

namespace fcn_edge::app {

struct HttpReply {
  int status = 200;
  std::string type = "text/plain";  ///< of the content
  std::string body;

  /// Where there is one, the body has no end of its own: it appends what is new, if anything, and is asked
  /// about fifty times a second. False ends the body.
  std::function<bool(std::string& bytes)> more;
};

/// Called by the server's thread. None: not yet, ask again soon; after two seconds the answer is a 503.
using HttpHandler = std::function<std::optional<HttpReply>(const HttpRequest&)>;

/// HTTP for a few viewers on one thread of low priority. Whatever is sent to it, it holds a bounded number of
/// connections (when they are all taken, the oldest that has not yet asked for anything makes room), a
/// bounded head for each, and bounded times for asking and for taking the answer. One request a connection.
class HttpServer {
 public:
  /// Listen on `host` and `port` (0: one that is free) and answer with `handler`, `headers` ("Name:
  /// value\r\n" each) added to every answer. Throws Error(io) when that address cannot be listened on.
  HttpServer(const std::string& host, int port, std::string headers, HttpHandler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;

  /// How many connections it holds at most: 64, or fewer where the process may open few files.
  static std::size_t most_connections();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace fcn_edge::app
