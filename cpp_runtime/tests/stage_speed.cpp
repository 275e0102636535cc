// Times the stages around the engine against the plain OpenCV calls that would do the same, on one thread,
// taking turns: build/cpp_runtime/tests/stage_speed [CLIP] prints medians in milliseconds as JSON, and what
// decoding a frame of the clip to BGR takes of one core, all decoding threads together.

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

#include "drift.hpp"
#include "fcn_edge/overlay.hpp"
#include "fused_tail.hpp"
#include "resize.hpp"
#include "sources/video_source.hpp"

namespace {

constexpr int kRounds = 101;
constexpr int kClasses = 12;
constexpr std::size_t kCalibrationFrames = 64;
const cv::Size kNet(480, 360);
const cv::Size kCamera(1280, 720);

using Stages = std::vector<std::pair<std::string, std::function<void()>>>;

std::map<std::string, double> medians_ms(const Stages& stages) {
  std::map<std::string, std::vector<double>> times;
  for (int round = 0; round < kRounds; ++round) {
    for (const auto& [name, run] : stages) {
      const auto begin = std::chrono::steady_clock::now();
      run();
      times[name].push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    }
  }
  std::map<std::string, double> medians;
  for (auto& [name, values] : times) {
    std::nth_element(values.begin(), values.begin() + kRounds / 2, values.end());
    medians[name] = values[kRounds / 2];
  }
  return medians;
}

// Scores of a made-up street: sky above, road below, buildings at the sides, and blobs of the rest.
std::vector<float> street_scores(int height, int width) {
  std::vector<float> scores;
  for (int k = 0; k < kClasses; ++k) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const float blob =
            3.0F * std::sin(0.3F * static_cast<float>(k * x)) * std::sin(0.4F * static_cast<float>(k + y));
        const float area = k == 0   ? static_cast<float>(height - 3 * y) / 4
                           : k == 1 ? static_cast<float>(3 * y - 2 * height) / 4
                                    : 0;
        scores.push_back(area + (k > 2 ? blob : 0));
      }
    }
  }
  return scores;
}

// Upsample every class with cv::resize, then compare: what the fused tail replaces.
void plain_tail(const std::vector<float>& scores, int height, int width, cv::Mat& mask) {
  cv::Mat best;
  cv::Mat plane;
  for (int k = 0; k < kClasses; ++k) {
    auto* data = const_cast<float*>(scores.data() + static_cast<std::ptrdiff_t>(k) * height * width);
    cv::resize(cv::Mat(height, width, CV_32F, data), plane, kNet, 0, 0, cv::INTER_LINEAR);
    if (k == 0) {
      plane.copyTo(best);
      mask.setTo(0);
      continue;
    }
    const cv::Mat wins = plane > best;
    mask.setTo(k, wins);
    plane.copyTo(best, wins);
  }
}

// Statistics of as many calibration frames as compile takes; their values change nothing about the time.
fcn_edge::DriftStatistics drift_statistics() {
  fcn_edge::DriftStatistics statistics;
  statistics.frames = kCalibrationFrames;
  statistics.window = 60;
  for (std::size_t g = 0; g < statistics.groups.size(); ++g) {
    statistics.groups[g].running.resize(kCalibrationFrames * fcn_edge::DriftStatistics::kBins[g]);
  }
  return statistics;
}

double core_ms() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto ms = [](const timeval& time) {
    return 1e3 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_usec);
  };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

// The first pass is thrown away.
double decode_core_ms(const std::string& clip) {
  double used = 0;
  for (int pass = 0; pass < 4; ++pass) {
    const auto source = fcn_edge::app::open_video_file(clip);
    cv::Mat image;
    std::string name;
    const double before = core_ms();
    int frames = 0;
    while (source->read(image, name)) ++frames;
    if (pass > 0) used += (core_ms() - before) / frames / 3;
  }
  return used;
}

}  // namespace

int main(int argc, char** argv) {
  cv::setNumThreads(1);
  cv::Mat camera(kCamera, CV_8UC3);
  cv::randu(camera, 0, 256);
  cv::Mat small(kNet, CV_8UC3);
  fcn_edge::Resizer resizer(kNet.width, kNet.height);

  const int height = kNet.height / 8;
  const int width = kNet.width / 8;
  const std::vector<float> scores = street_scores(height, width);
  fcn_edge::FusedTail tail(8, kClasses, height, width, kNet.height, kNet.width);
  fcn_edge::Mask mask{kNet.width, kNet.height,
                      std::vector<std::uint8_t>(static_cast<std::size_t>(kNet.area()))};
  cv::Mat plain_mask(kNet, CV_8UC1);

  const std::vector<fcn_edge::ClassInfo> classes(kClasses, {"class", {200, 90, 30}});
  fcn_edge::Overlay overlay(classes, 0.5);
  const cv::Mat table(1, 256, CV_8UC3, cv::Scalar(30, 90, 200));

  fcn_edge::DriftMonitor monitor(drift_statistics(), kNet.height, kNet.width);

  cv::Mat large;
  cv::Mat triple;
  cv::Mat colours;
  const Stages stages{
      {"resize",
       [&] {
         resizer.run({camera.data, camera.cols, camera.rows, 0}, small.data);
       }},
      {"resize_opencv", [&] { cv::resize(camera, small, kNet, 0, 0, cv::INTER_LINEAR); }},
      {"drift", [&] { monitor.observe(small.data); }},
      {"tail", [&] { tail.run(scores.data(), mask.ids.data()); }},
      {"tail_opencv", [&] { plain_tail(scores, height, width, plain_mask); }},
      {"overlay",
       [&] {
         overlay.draw(mask, {camera.data, camera.cols, camera.rows, 0});
       }},
      {"overlay_opencv",
       [&] {
         cv::resize(cv::Mat(kNet, CV_8UC1, mask.ids.data()), large, kCamera, 0, 0, cv::INTER_NEAREST);
         cv::cvtColor(large, triple, cv::COLOR_GRAY2BGR);
         cv::LUT(triple, table, colours);
         cv::addWeighted(camera, 0.5, colours, 0.5, 0, camera);
       }},
  };
  nlohmann::json result{{"camera", "1280x720"}, {"network", "480x360"}, {"classes", kClasses},
                        {"rounds", kRounds},    {"threads", 1},         {"median_ms", medians_ms(stages)}};
  if (argc > 1) result["decode_core_ms"] = decode_core_ms(argv[1]);
  std::cout << result.dump(2) << "\n";
}
