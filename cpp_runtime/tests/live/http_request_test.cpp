#include "live/http_request.hpp"

#include <gtest/gtest.h>

#include <random>

namespace fcn_edge::app {
namespace {

TEST(HttpRequest, HasMethodPathQueryAndHeaders) {
  const auto request = parse_request(
      "GET /status.json?source=1&token=a%2Bb%20c+d&flag&=x&source=2&bad=%zz%4 HTTP/1.1\r\n"
      "HOST:\t127.0.0.1:80 \r\nX-Empty:\r\n\r\n");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, "GET");
  EXPECT_EQ(request->path, "/status.json");
  EXPECT_EQ(request->parameter("source"), "1");
  EXPECT_EQ(request->parameter("token"), "a+b c d");
  EXPECT_EQ(request->parameter("bad"), "%zz%4");
  EXPECT_EQ(request->query.count("flag"), 1U);
  EXPECT_EQ(request->parameter("missing"), "");
  EXPECT_EQ(request->header("host"), "127.0.0.1:80");
  EXPECT_EQ(request->headers.count("x-empty"), 1U);
}

TEST(HttpRequest, RefusesWhatIsNone) {
  for (const char* wrong : {"", "\r\n", "\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2\r\n\r\n",
                            "GET  HTTP/1.1\r\n\r\n", "GET http://cam/ HTTP/1.1\r\n\r\n", "GET / HTTP/1.1",
                            "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\n: x\r\n\r\n",
                            "GET / HTTP/1.1\r\nHost: localhost\r\nhost: evil.example\r\n\r\n"}) {
    EXPECT_FALSE(parse_request(wrong)) << wrong;
  }
}

TEST(HttpRequest, AnyBytesAreAnsweredOneWayOrTheOther) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  const std::string letters("GET /?&=%+aF9 :\t\r\n\0\xff HTTP/1.1", 30);
  int parsed = 0;
  for (int round = 0; round < 50000; ++round) {
    std::string head = random() % 2 == 0 ? "GET /" : "";
    for (auto left = random() % 40; left > 0; --left) head += letters[random() % letters.size()];
    head += random() % 2 == 0 ? " HTTP/1.1\r\n\r\n" : "\r\n\r\n";
    const auto request = parse_request(head);
    if (!request) continue;
    ++parsed;
    ASSERT_EQ(request->path.substr(0, 1), "/") << "seed " << seed;
  }
  EXPECT_GT(parsed, 1000);
}

}  // namespace
}  // namespace fcn_edge::app
