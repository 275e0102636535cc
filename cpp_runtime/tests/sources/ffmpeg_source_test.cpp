// Recordings read by FFmpeg alone have the pixels that OpenCV reads, and faults in them are counted.

#include <gtest/gtest.h>

#include <fcn_edge/error.hpp>
#include <fstream>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <opencv2/videoio.hpp>
#include <random>

#include "expect_error.hpp"
#include "scratch_folder.hpp"
#include "sources/video_source.hpp"

namespace fcn_edge::app {
namespace {

constexpr int kFrames = 12;

cv::Mat picture(std::mt19937& random, cv::Size size) {
  cv::Mat coarse(6, 8, CV_8UC3);
  for (int i = 0; i < 6 * 8 * 3; ++i) coarse.data[i] = static_cast<std::uint8_t>(random() % 256);
  cv::Mat fine;
  cv::resize(coarse, fine, size, 0, 0, cv::INTER_CUBIC);
  return fine;
}

std::string write_clip(const test::ScratchFolder& folder, const char* fourcc, cv::Size size,
                       std::mt19937& random) {
  const std::string path = (folder.path() / "clip.avi").string();
  const int code = cv::VideoWriter::fourcc(fourcc[0], fourcc[1], fourcc[2], fourcc[3]);
  cv::VideoWriter writer(path, cv::CAP_FFMPEG, code, 12.5, size);
  EXPECT_TRUE(writer.isOpened());
  for (int i = 0; i < kFrames; ++i) writer.write(picture(random, size));
  return path;
}

void damage(const std::string& path, std::mt19937& random) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(0, std::ios::end);
  const auto bytes = static_cast<std::uint64_t>(file.tellg());
  for (int i = 0; i < 40; ++i) {
    file.seekp(static_cast<std::streamoff>(bytes / 4 + random() % (bytes / 2)));
    file.put(static_cast<char>(random()));
  }
}

int count_frames(Source& source) {
  cv::Mat image;
  std::string name;
  int frames = 0;
  while (source.read(image, name)) ++frames;
  return frames;
}

class Recordings : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Codecs, Recordings, testing::Values("mp4v", "MJPG", "FFV1", "XVID"));

TEST_P(Recordings, HaveThePixelsThatOpenCvReads) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 6; ++round) {
    const test::ScratchFolder folder;
    const cv::Size size(2 * static_cast<int>(16 + random() % 200), 2 * static_cast<int>(16 + random() % 200));
    const std::string path = write_clip(folder, GetParam(), size, random);
    cv::VideoCapture reference(path, cv::CAP_FFMPEG);
    const auto source = open_video_file(path);
    EXPECT_FALSE(source->live());
    EXPECT_DOUBLE_EQ(source->fps(), 12.5);
    cv::Mat expected;
    cv::Mat got;
    std::string name;
    int frames = 0;
    while (reference.read(expected)) {
      ASSERT_TRUE(source->read(got, name));
      ASSERT_EQ(got.size(), size);
      ASSERT_EQ(cv::norm(expected, got, cv::NORM_INF), 0) << size << " frame " << frames;
      ++frames;
    }
    EXPECT_FALSE(source->read(got, name));
    EXPECT_EQ(frames, kFrames);
    EXPECT_EQ(source->damaged(), 0U);
  }
}

TEST(FfmpegSource, GivesEveryFrameABufferOfItsOwn) {
  std::mt19937 random(1);
  const test::ScratchFolder folder;
  const auto source = open_video_file(write_clip(folder, "FFV1", {64, 48}, random));
  cv::Mat first;
  cv::Mat second;
  std::string name;
  ASSERT_TRUE(source->read(first, name));
  const cv::Mat kept = first.clone();
  ASSERT_TRUE(source->read(second, name));
  EXPECT_EQ(cv::norm(first, kept, cv::NORM_INF), 0);
  EXPECT_GT(cv::norm(first, second, cv::NORM_INF), 0);
}

TEST(FfmpegSource, PlaysADamagedRecordingToItsEndAndCountsTheFaults) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::uint64_t faults = 0;
  for (int round = 0; round < 8; ++round) {
    const test::ScratchFolder folder;
    const std::string path = write_clip(folder, "mp4v", {128, 96}, random);
    damage(path, random);
    const auto source = open_video_file(path);
    EXPECT_LE(count_frames(*source), kFrames);
    faults += source->damaged();
  }
  EXPECT_GT(faults, 0U);
}

TEST(FfmpegSource, RefusesWhatIsNoVideoInOneSentence) {
  const test::ScratchFolder folder;
  std::ofstream((folder.path() / "notes.mp4").string()) << "not a video";
  test::expect_error([&] { open_video_file((folder.path() / "notes.mp4").string()); }, ErrorCode::io,
                     "cannot open");
}

}  // namespace
}  // namespace fcn_edge::app
