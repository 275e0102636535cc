#pragma once

#include <condition_variable>
#include <cstdint>
#include <fcn_edge/bundle_info.hpp>
#include <fcn_edge/frame.hpp>
#include <fcn_edge/overlay.hpp>
#include <memory>
#include <mutex>
#include <opencv2/core/mat.hpp>
#include <thread>
#include <vector>

#include "sources/source.hpp"

namespace fcn_edge::app {

using Jpeg = std::shared_ptr<const std::vector<std::uint8_t>>;

/// The overlay as JPEG for any number of viewers. The pipeline only hands over a copy of a frame when
/// somebody is watching and the painter is free; painting and encoding happen once for all viewers, on a
/// thread of low priority, at most about twelve times a second. So viewers, however many or slow, never hold
/// the stream.
class LivePicture {
 public:
  LivePicture(const std::vector<ClassInfo>& classes, double alpha);
  ~LivePicture();
  LivePicture(const LivePicture&) = delete;
  LivePicture& operator=(const LivePicture&) = delete;

  /// Pipeline's thread.
  void offer(const cv::Mat& camera, const Mask& mask);

  // Any thread.
  void set_alpha(double alpha);
  double alpha() const;

  /// The newest picture if it is newer than `seen`, which is updated; else null. Does not wait.
  Jpeg newer_than(std::uint64_t& seen);

 private:
  void paint_all();

  std::vector<ClassInfo> classes_;
  mutable std::mutex mutex_;
  std::condition_variable offered_;
  cv::Mat camera_;  // handed over, waiting for the painter
  Mask mask_;
  bool waiting_ = false;  // camera_ and mask_ are full
  bool closed_ = false;
  double alpha_;
  Jpeg picture_;
  std::uint64_t number_ = 0;   // of picture_
  Clock::time_point next_;     // not sooner, so that encoding stays cheap
  Clock::time_point watched_;  // when a viewer last asked
  std::thread painter_;
};

}  // namespace fcn_edge::app
