#pragma once

#include <cstdint>
#include <fcn_edge/frame.hpp>
#include <opencv2/core/mat.hpp>
#include <string>

#include "sources/source.hpp"

namespace fcn_edge::app {

/// A finished frame as sinks see it.
struct Scene {
  const cv::Mat& image;  ///< the camera frame; with class colours and legend for sinks that need them
  const Mask& mask;
  const std::string& name;  ///< stem for files
  std::uint64_t index = 0;  ///< position in the source
  std::size_t source = 0;   ///< which --source, counted from 0
  Clock::time_point taken;  ///< when the source handed it over
};

/// Where results go. Sinks are called in turn on the pipeline's thread, those that want the plain camera
/// frame first, since the overlay is painted over it.
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;  ///< without commit(), leaves nothing half-written behind

  virtual bool needs_overlay() const = 0;
  virtual void write(const Scene& scene) = 0;
  virtual void commit() {}                           ///< make what was written final; throws Error(io)
  virtual bool wants_stop() const { return false; }  ///< the person at the window pressed q
};

}  // namespace fcn_edge::app
