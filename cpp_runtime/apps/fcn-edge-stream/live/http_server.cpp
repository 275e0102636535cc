#include "live/http_server.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <fcn_edge/error.hpp>
#include <list>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "ground/process.hpp"
#include "live/listener.hpp"

namespace fcn_edge::app {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMostConnections = 64;
constexpr std::size_t kFewestConnections = 4;
constexpr std::size_t kLongestHead = 16384;  // bytes of request line and headers
constexpr std::size_t kMostDiscarded = 1 << 20;
constexpr milliseconds kHeadTime{5000};    // from the connection to the end of its head
constexpr milliseconds kAnswerTime{2000};  // for a handler that has nothing yet
constexpr milliseconds kSendTime{10000};   // for an answer, or one picture of a stream, to be taken
constexpr milliseconds kLeaveTime{1000};   // for a viewer to close, having got everything
constexpr milliseconds kPause{100};        // without accepting, when no file can be opened
constexpr int kTick = 20;                  // milliseconds between two questions for what is new
constexpr int kSlowTick = 250;             // between two looks at the deadlines
constexpr int kNice = 10;

const char* reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Service Unavailable";
  }
}

enum class State {
  asking,     // its head is not complete
  waiting,    // the handler has nothing yet
  answering,  // bytes go out, or `more` has none yet
  leaving,    // all is sent; what the viewer still sends is thrown away, lest the answer be lost by a reset
};

struct Connection {
  Descriptor socket;
  Clock::time_point deadline;
  State state = State::asking;
  std::string head;
  HttpRequest request;
  std::string out;
  std::size_t sent = 0;
  std::size_t discarded = 0;  // bytes that came after the answer
  std::function<bool(std::string&)> more;

  bool idle() const { return state == State::answering && sent == out.size(); }
  bool ticks() const { return state == State::waiting || idle(); }
};

// Readable once the server is to stop.
Descriptor make_event() {
  Descriptor event(::eventfd(0, EFD_CLOEXEC));
  if (event.get() < 0) throw Error(ErrorCode::io, "cannot serve: " + std::generic_category().message(errno));
  return event;
}

short events_of(const Connection& one) {
  if (one.state == State::waiting) return 0;
  if (one.idle()) return POLLRDHUP;
  return one.state == State::answering ? POLLOUT : POLLIN;
}

}  // namespace

class HttpServer::Loop {
 public:
  Loop(const std::string& host, int port, std::string headers, HttpHandler handler)
      : listener_(listen_on(host, port)),
        stop_(make_event()),
        headers_(std::move(headers)),
        handler_(std::move(handler)),
        most_(most_connections()),
        thread_([this] { run(); }) {}

  ~Loop() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  int port() const { return port_of(listener_); }

 private:
  void run() {
    ::setpriority(PRIO_PROCESS, 0, kNice);  // on Linux this is the calling thread alone
    std::vector<pollfd> polled;
    for (;;) {
      const bool accepting = Clock::now() >= accept_after_;
      polled.assign({{stop_.get(), POLLIN, 0}, {accepting ? listener_.get() : -1, POLLIN, 0}});
      for (const Connection& one : connections_) polled.push_back({one.socket.get(), events_of(one), 0});
      if (::poll(polled.data(), polled.size(), tick(accepting)) < 0) continue;  // EINTR, or no memory
      if (polled[0].revents != 0) return;
      auto events = polled.begin() + 2;
      connections_.remove_if([&](Connection& one) { return !survives(one, (events++)->revents); });
      if (polled[1].revents != 0) accept_some();
    }
  }

  int tick(bool accepting) const {
    const bool any_ticks = std::any_of(connections_.begin(), connections_.end(),
                                       [](const Connection& one) { return one.ticks(); });
    if (any_ticks) return kTick;
    return connections_.empty() && accepting ? -1 : kSlowTick;
  }

  void accept_some() {
    for (std::size_t i = 0; i < most_; ++i) {  // not without end: those who are there have their turn too
      Descriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket.get() < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        const bool full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
        if (full && !make_room()) {
          accept_after_ = Clock::now() + kPause;
          return;
        }
        continue;
      }
      if (connections_.size() >= most_ && !make_room()) continue;  // all are being watched: the new one goes
      Connection one;
      one.socket = std::move(socket);
      one.deadline = Clock::now() + kHeadTime;
      connections_.push_back(std::move(one));
    }
  }

  // The oldest that needs its place least goes; a stream that is being watched never does.
  bool make_room() {
    const auto drop = [this](auto dispensable) {
      const auto oldest = std::find_if(connections_.begin(), connections_.end(), dispensable);
      if (oldest == connections_.end()) return false;
      connections_.erase(oldest);
      return true;
    };
    return drop([](const Connection& one) { return one.state == State::leaving; }) ||
           drop([](const Connection& one) { return one.state == State::asking; }) ||
           drop([](const Connection& one) { return !one.more; });
  }

  // One viewer's trouble is its own: the connection is gone, and nothing else.
  bool survives(Connection& one, short events) {
    try {
      return step(one, events);
    } catch (const std::exception&) {
      return false;
    }
  }

  bool step(Connection& one, short events) {
    const bool late = !one.idle() && Clock::now() > one.deadline;
    switch (one.state) {
      case State::asking:
        return !late && (events == 0 || receive(one));
      case State::waiting:
        if ((events & (POLLHUP | POLLERR)) != 0) return false;
        return late ? answer(one, {503, "text/plain", "503: no picture yet\n", nullptr}) : ask(one);
      case State::answering:
        if (late || (one.idle() && events != 0)) return false;
        return one.idle() || events != 0 ? send_all(one) : true;
      case State::leaving:
        return !late && (events == 0 || discard(one));
    }
    return false;
  }

  bool receive(Connection& one) {
    char bytes[4096];
    const ssize_t got = ::recv(one.socket.get(), bytes, sizeof bytes, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    one.head.append(bytes, static_cast<std::size_t>(got));
    const std::size_t end = one.head.find("\r\n\r\n");
    if (std::min(end, one.head.size()) > kLongestHead) {
      return answer(one, {431, "text/plain", "431: more than 16 KiB of headers\n", nullptr});
    }
    if (end == std::string::npos) return true;
    one.head.resize(end + 4);  // a body is not read
    const std::optional<HttpRequest> request = parse_request(one.head);
    if (!request) return answer(one, {400, "text/plain", "400: not HTTP/1.1\n", nullptr});
    one.request = *request;
    one.head = {};
    one.state = State::waiting;
    one.deadline = Clock::now() + kAnswerTime;
    return ask(one);
  }

  bool ask(Connection& one) {
    std::optional<HttpReply> reply = handler_(one.request);
    return reply ? answer(one, std::move(*reply)) : true;
  }

  bool answer(Connection& one, HttpReply reply) {
    one.out = "HTTP/1.1 " + std::to_string(reply.status) + ' ' + reason(reply.status) +
              "\r\nConnection: close\r\nContent-Type: " + reply.type + "\r\n" + headers_;
    if (!reply.more && reply.status != 204)
      one.out += "Content-Length: " + std::to_string(reply.body.size()) + "\r\n";
    one.out += "\r\n";
    if (one.request.method != "HEAD") {
      one.out += reply.body;
      one.more = std::move(reply.more);
    }
    one.state = State::answering;
    one.deadline = Clock::now() + kSendTime;
    return send_all(one);
  }

  bool send_all(Connection& one) {
    for (;;) {
      while (one.sent < one.out.size()) {
        const ssize_t done = ::send(one.socket.get(), one.out.data() + one.sent, one.out.size() - one.sent,
                                    MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        one.sent += static_cast<std::size_t>(done);
      }
      one.out.clear();
      one.sent = 0;
      if (!one.more) return leave(one);
      if (!one.more(one.out)) one.more = nullptr;
      if (one.out.empty()) return one.more ? true : leave(one);
      one.deadline = Clock::now() + kSendTime;
    }
  }

  static bool leave(Connection& one) {
    ::shutdown(one.socket.get(), SHUT_WR);
    one.state = State::leaving;
    one.deadline = Clock::now() + kLeaveTime;
    return true;
  }

  static bool discard(Connection& one) {
    char bytes[4096];
    const ssize_t got = ::recv(one.socket.get(), bytes, sizeof bytes, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    one.discarded += static_cast<std::size_t>(got);
    return got > 0 && one.discarded < kMostDiscarded;
  }

  Descriptor listener_;
  Descriptor stop_;
  std::string headers_;
  HttpHandler handler_;
  std::size_t most_;
  Clock::time_point accept_after_;
  std::list<Connection> connections_;  // oldest first
  std::thread thread_;                 // last: it uses all of the above
};

HttpServer::HttpServer(const std::string& host, int port, std::string headers, HttpHandler handler)
    : loop_(std::make_unique<Loop>(host, port, std::move(headers), std::move(handler))) {}

HttpServer::~HttpServer() = default;

int HttpServer::port() const { return loop_->port(); }

// A quarter of the files that may still be opened: the rest is for sources that come back, and for results.
std::size_t HttpServer::most_connections() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kMostConnections;
  const auto open = static_cast<rlim_t>(open_files());
  const rlim_t left = limit.rlim_cur > open ? limit.rlim_cur - open : 0;
  return std::clamp(static_cast<std::size_t>(left / 4), kFewestConnections, kMostConnections);
}

}  // namespace fcn_edge::app
