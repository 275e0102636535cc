#include "live/http_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "expect_error.hpp"
#include "ground/process.hpp"
#include "live/listener.hpp"

namespace fcn_edge::app {
namespace {

using std::chrono::milliseconds;

Descriptor connected(int port) {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return socket;
}

bool send_text(const Descriptor& socket, const std::string& text) {
  return ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

// What comes until the other side closes; at most `patience` without a byte.
std::string all_of(const Descriptor& socket, milliseconds patience = milliseconds(5000)) {
  std::string text;
  pollfd one{socket.get(), POLLIN, 0};
  char bytes[4096];
  while (::poll(&one, 1, static_cast<int>(patience.count())) > 0) {
    const ssize_t got = ::recv(socket.get(), bytes, sizeof bytes, 0);
    if (got <= 0) break;
    text.append(bytes, static_cast<std::size_t>(got));
  }
  return text;
}

std::string fetch(int port, const std::string& path, const std::string& method = "GET") {
  const Descriptor socket = connected(port);
  send_text(socket, method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  return all_of(socket);
}

// /big is more than a socket holds, /late comes at the third question, /never not at all, /stream has no end.
class HttpServerTest : public testing::Test {
 protected:
  std::optional<HttpReply> answer(const HttpRequest& request) {
    if (request.path == "/never" || (request.path == "/late" && ++asked_ < 3)) return std::nullopt;
    if (request.path == "/big") return HttpReply{200, "text/plain", std::string(30'000'000, 'x'), nullptr};
    if (request.path == "/wrong") throw std::runtime_error("the handler's trouble");
    if (request.path != "/stream") return HttpReply{200, "text/plain", "hello", nullptr};
    return HttpReply{200, "text/plain", "", [this](std::string& bytes) {
                       if (!silent_) bytes += "tick\n";
                       return true;
                     }};
  }

  int asked_ = 0;
  std::atomic<bool> silent_{true};
  HttpServer server_{"127.0.0.1", 0, "X-Also: this\r\n",
                     [this](const HttpRequest& request) { return answer(request); }};
  int port_ = server_.port();
};

TEST_F(HttpServerTest, AnswersAndCloses) {
  EXPECT_EQ(fetch(port_, "/"),
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nX-Also: this\r\n"
            "Content-Length: 5\r\n\r\nhello");
  const std::string head = fetch(port_, "/", "HEAD");
  EXPECT_NE(head.find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(head.substr(head.size() - 4), "\r\n\r\n");
  EXPECT_EQ(fetch(port_, "no path").substr(0, 12), "HTTP/1.1 400");
  EXPECT_NE(fetch(port_, "/late").find("hello"), std::string::npos);
  EXPECT_EQ(fetch(port_, "/never").substr(0, 12), "HTTP/1.1 503");
  EXPECT_EQ(fetch(port_, "/wrong"), "");  // and nothing else is touched:
  EXPECT_GT(fetch(port_, "/big").size(), 30'000'000U);
}

TEST_F(HttpServerTest, EndsARequestWithoutEnd) {
  const Descriptor socket = connected(port_);
  send_text(socket, "GET / HTTP/1.1\r\n");
  std::size_t sent = 0;
  while (sent < 104'000'000 && send_text(socket, "X-Line: 0123456789012345678901234567890123456789\r\n"))
    sent += 50;
  EXPECT_LT(sent, 20'000'000U);  // the sockets' own buffers, no more
  EXPECT_NE(fetch(port_, "/").find("hello"), std::string::npos);
}

TEST_F(HttpServerTest, SaysThatHeadersAreTooLong) {
  const Descriptor socket = connected(port_);
  send_text(socket, "GET / HTTP/1.1\r\nX-Line: " + std::string(17000, 'x'));
  EXPECT_EQ(all_of(socket).substr(0, 12), "HTTP/1.1 431");
}

TEST_F(HttpServerTest, LetsThoseWhoWaitForAnAnswerMakeRoomForANewOne) {
  std::vector<Descriptor> waiting;
  for (std::size_t i = 0; i < 2 * HttpServer::most_connections(); ++i) {
    waiting.push_back(connected(port_));
    send_text(waiting.back(), "GET /never HTTP/1.1\r\n\r\n");
  }
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_NE(fetch(port_, "/").find("hello"), std::string::npos);
}

TEST_F(HttpServerTest, HoldsABoundedNumberOfConnectionsAndAnswersAmongThem) {
  const Descriptor viewer = connected(port_);
  send_text(viewer, "GET /stream HTTP/1.1\r\n\r\n");
  std::this_thread::sleep_for(milliseconds(100));
  const int before = open_files();
  std::vector<Descriptor> idle;
  for (int i = 0; i < 300; ++i) {
    idle.push_back(connected(port_));
    if (i % 2 == 0) send_text(idle.back(), "GET / HTTP/1.1\r\nX-Tr");
  }
  EXPECT_NE(fetch(port_, "/").find("hello"), std::string::npos);
  EXPECT_LE(open_files() - before - 300, static_cast<int>(HttpServer::most_connections()));
  silent_ = false;  // who was watching still is
  char bytes[4096];
  std::string seen;
  while (seen.find("tick") == std::string::npos) {
    const ssize_t got = ::recv(viewer.get(), bytes, sizeof bytes, 0);
    ASSERT_GT(got, 0);
    seen.append(bytes, static_cast<std::size_t>(got));
  }
}

TEST_F(HttpServerTest, DropsWhoTakesTooLongToAsk) {
  const Descriptor socket = connected(port_);
  const auto begun = std::chrono::steady_clock::now();
  const std::string line = "GET / HTTP/1.1\r\nX-Trickle: " + std::string(100, 'x');
  std::size_t sent = 0;
  pollfd one{socket.get(), POLLIN, 0};
  while (sent < line.size() && ::poll(&one, 1, 100) == 0) send_text(socket, line.substr(sent++, 1));
  const auto took = std::chrono::steady_clock::now() - begun;
  EXPECT_LT(took, milliseconds(7500));
  EXPECT_GT(took, milliseconds(4500));
}

TEST_F(HttpServerTest, WaitsWhileNoFileCanBeOpened) {
  rlimit usual{};
  getrlimit(RLIMIT_NOFILE, &usual);
  const Descriptor next(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port_));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // From here on nothing more can be opened, not even the pipe by which UBSan looks at an object's type.
  const rlimit none{static_cast<rlim_t>(next.get()), usual.rlim_max};
  setrlimit(RLIMIT_NOFILE, &none);
  ::connect(next.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  send_text(next, "GET / HTTP/1.1\r\n\r\n");
  const std::string early = all_of(next, milliseconds(500));
  setrlimit(RLIMIT_NOFILE, &usual);
  EXPECT_EQ(early, "");
  EXPECT_NE(all_of(next).find("hello"), std::string::npos);
}

TEST(Listener, LetsNobodyElseHaveItsPort) {
  for (const char* host : {"127.0.0.1", "localhost", "0.0.0.0"}) {
    const Descriptor first = listen_on(host, 0);
    test::expect_error([&] { listen_on(host, port_of(first)); }, ErrorCode::io,
                       "another program has this port");
    if (std::string(host) != "0.0.0.0") continue;
    test::expect_error([&] { listen_on("127.0.0.1", port_of(first)); }, ErrorCode::io, "another program");
  }
  test::expect_error([] { listen_on("192.0.2.1", 0); }, ErrorCode::io, "cannot serve on 192.0.2.1:0");
}

}  // namespace
}  // namespace fcn_edge::app
