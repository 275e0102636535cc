// The driver that answers here is v4l2_double.cpp.
#include "sources/cameras.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "expect_error.hpp"
#include "scratch_folder.hpp"

namespace fcn_edge::app {
namespace {

class Cameras : public ::testing::Test {
 protected:
  Cameras() {
    std::ofstream(path_).close();
    setenv("FCN_EDGE_V4L2_DOUBLE", path_.c_str(), 1);
  }
  ~Cameras() override { unsetenv("FCN_EDGE_V4L2_DOUBLE"); }

  test::ScratchFolder folder_;
  std::string path_ = (folder_.path() / "camera").string();
};

TEST_F(Cameras, SayWhatTheyOffer) {
  const CameraInfo camera = describe_camera(path_).value();
  EXPECT_EQ(listed(camera), path_ + ": Double camera (double)\n" +
                                "  YUYV 64x48 @ 30, 15\n"
                                "  MJPG 2x2 to 640x480 @ 30, 15\n");
}

TEST_F(Cameras, AreOnlyAskedForWhatTheyOffer) {
  const CameraInfo camera = describe_camera(path_).value();
  for (const char* offered :
       {"", ",64x48", ",64x48@15", ",YUYV", ",yuyv,64x48@30", ",MJPG,320x240", ",320x240"}) {
    EXPECT_NO_THROW(check_offered(parse_camera("v4l2:" + path_ + offered).value(), camera)) << offered;
  }
  for (const char* wrong : {",64x48@60,YUYV", ",YUYV,320x240", ",800x600", ",H264"}) {
    test::expect_error([&] { check_offered(parse_camera("v4l2:" + path_ + wrong).value(), camera); },
                       ErrorCode::misuse, "it offers YUYV 64x48 @ 30, 15; MJPG 2x2 to 640x480");
  }
}

TEST_F(Cameras, AreNotFilesOfAnotherKind) {
  const std::string other = (folder_.path() / "other").string();
  std::ofstream(other).close();
  EXPECT_FALSE(describe_camera(other));
  EXPECT_FALSE(describe_camera(other + "-absent"));
}

TEST(CameraRequest, IsReadFromIndexPathAndWishes) {
  EXPECT_EQ(parse_camera("3").value().path, "/dev/video3");
  const CameraRequest full = parse_camera("/dev/v4l/by-path/pci-0:1.0,1280x720@30,mjpg").value();
  EXPECT_EQ(full.path, "/dev/v4l/by-path/pci-0:1.0");
  EXPECT_EQ(full.size, cv::Size(1280, 720));
  EXPECT_EQ(full.fps, 30);
  EXPECT_EQ(full.format, "MJPG");
  for (const char* other : {"drive.mp4", "1234", "folder/0", ""}) EXPECT_FALSE(parse_camera(other)) << other;
  for (const char* wrong : {"0,faster", "0,640x", "0,MJPG,YUYV"}) {
    test::expect_error([&] { parse_camera(wrong).value(); }, ErrorCode::misuse, "type for example");
  }
}

}  // namespace
}  // namespace fcn_edge::app
