#include <gtest/gtest.h>

#include "sources/source.hpp"

namespace fcn_edge::app {
namespace {

TEST(ShownSource, HidesThePasswordOfAnAddressAndNothingElse) {
  EXPECT_EQ(shown("rtsp://admin:s3cr@t@cam.local:554/live"), "rtsp://admin:***@cam.local:554/live");
  EXPECT_EQ(shown("http://:p@cam/"), "http://:***@cam/");
  for (const char* plain : {"rtsp://cam.local:554/a@b:c", "rtsp://admin@cam:554/x", "drive.mp4", "0",
                            "test:64x64@5", "http://cam/?t=a:b@c"}) {
    EXPECT_EQ(shown(plain), plain);
  }
}

}  // namespace
}  // namespace fcn_edge::app
