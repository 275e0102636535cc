#include "live/address.hpp"

#include <gtest/gtest.h>

#include "expect_error.hpp"

namespace fcn_edge::app {
namespace {

TEST(LiveAddress, IsServedWithoutATokenOnThisMachineOnly) {
  EXPECT_EQ(parse_live_address("127.0.0.1:8080", "").port, 8080);
  EXPECT_EQ(parse_live_address("localhost:0", "").host, "localhost");
  EXPECT_EQ(parse_live_address("[::1]:9", "").host, "::1");
  for (const char* open : {"0.0.0.0:8080", "192.168.1.4:80", "[::]:80", "camera.local:80", "127.evil.com:80",
                           "127.0.0.1.evil.com:80", "127.1:80"}) {
    test::expect_error([&] { parse_live_address(open, ""); }, ErrorCode::misuse, "add --serve-token");
    EXPECT_NO_THROW(parse_live_address(open, "long-enough"));
  }
}

TEST(LiveAddress, RefusesShortTokensAndWhatIsNoAddress) {
  test::expect_error([] { parse_live_address("0.0.0.0:80", "short"); }, ErrorCode::misuse, "shorter than 8");
  for (const char* wrong :
       {"", "8080", ":8080", "localhost", "localhost:", "localhost:99999", "localhost:-1"}) {
    test::expect_error([&] { parse_live_address(wrong, ""); }, ErrorCode::misuse, "is not HOST:PORT");
  }
}

TEST(LiveAddress, KnowsTheNamesOfThisMachine) {
  for (const char* own : {"127.0.0.1:8080", "127.9.9.9", "127.255.255.254", "localhost:1", "LocalHost",
                          "[::1]:80", "[::1]", "[0:0::1]:5"}) {
    EXPECT_TRUE(is_loopback(host_of(own))) << own;
  }
  for (const char* other :
       {"evil.example:8080", "10.0.0.1", "localhost.evil.example:80", "127.evil.com", "127.evil.com:80",
        "127.0.0.1.evil.com", "127.0.0", "127.0.0.256", "127.0.0.1@evil.com", "128.0.0.1", "126.255.255.255",
        "[::1]evil.com", "[::1].evil.com:80", "[::1", "[::2]", "[::ffff:8.8.8.8]", "0.0.0.0", "", ":80"}) {
    EXPECT_FALSE(is_loopback(host_of(other))) << other;
  }
}

TEST(SameSecret, IsTrueForEqualTextsOnly) {
  EXPECT_TRUE(same_secret("correct horse", "correct horse"));
  for (const char* wrong : {"", "correct", "correct horsf", "correct horse "})
    EXPECT_FALSE(same_secret(wrong, "correct horse"));
}

}  // namespace
}  // namespace fcn_edge::app
