#include "sources/coded_picture.hpp"

#include <gtest/gtest.h>

#include <opencv2/imgcodecs.hpp>
#include <random>

namespace fcn_edge::app {
namespace {

TEST(PictureCode, IsReadBackFromAnyPicture) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 200; ++i) {
    cv::Mat picture(kCodeHeight + i % 7, kCodeWidth + i % 5, CV_8UC3);
    cv::randu(picture, 0, 256);
    const PictureCode code{static_cast<std::uint32_t>(random()), static_cast<std::int64_t>(random() >> 1)};
    write_code(picture, code);
    const auto read = read_code(picture);
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->id, code.id);
    EXPECT_EQ(read->nanoseconds, code.nanoseconds);
  }
}

TEST(PictureCode, SurvivesALossyCodec) {
  cv::Mat picture(120, 160, CV_8UC3, cv::Scalar(90, 120, 30));
  write_code(picture, {77, 123456789});
  std::vector<std::uint8_t> bytes;
  cv::imencode(".jpg", picture, bytes, {cv::IMWRITE_JPEG_QUALITY, 30});
  EXPECT_EQ(read_code(cv::imdecode(bytes, cv::IMREAD_COLOR)).value().id, 77U);
}

TEST(PictureCode, IsAbsentFromPicturesWithoutOne) {
  cv::Mat picture(100, 200, CV_8UC3);
  for (int i = 0; i < 50; ++i) {
    cv::randu(picture, 0, 256);
    EXPECT_FALSE(read_code(picture).has_value());
  }
  EXPECT_FALSE(read_code(cv::Mat(20, 20, CV_8UC3)).has_value());
}

}  // namespace
}  // namespace fcn_edge::app
