#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <opencv2/core/mat.hpp>
#include <optional>
#include <string>

#include "ground/shown_source.hpp"

namespace fcn_edge::app {

using Clock = std::chrono::steady_clock;

/// One picture on its way through the program. Its buffers are reused from frame to frame.
struct Frame {
  cv::Mat image;            ///< 8-bit BGR
  std::size_t source = 0;   ///< which --source it is from, counted from 0
  std::uint64_t index = 0;  ///< position in the source, from 0, dropped frames included
  std::string name;         ///< file stem for its mask
  Clock::time_point asked;  ///< when the source was asked for it
  Clock::time_point taken;  ///< when the source handed it over: its age counts from here
};

/// Where frames come from. One thread at a time, but for interrupt(), reconnects() and damaged().
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  /// The next picture into `image`, and the stem for its mask when it has one of its own.
  /// False at the end. Throws Error(io) when the source breaks.
  virtual bool read(cv::Mat& image, std::string& name) = 0;

  virtual bool live() const = 0;   ///< frames come whether or not anybody takes them
  virtual double fps() const = 0;  ///< frames a second, 0 when unknown

  virtual void interrupt() {}  ///< make a read() that waits on purpose return false
  virtual std::uint64_t reconnects() const { return 0; }
  virtual std::uint64_t damaged() const { return 0; }  ///< packets and pictures the decoder found faults in
};

using SourceOpener = std::function<std::unique_ptr<Source>()>;

/// Open what the user named: a video file, image folder, camera, address, GStreamer pipeline, test picture
/// or raw frames. Throws Error(misuse) for what does not exist and Error(io) for what cannot be read.
std::unique_ptr<Source> open_source(const std::string& spec);

/// Whether the source is live, where its name tells: false for files that are there, true for cameras.
std::optional<bool> live_by_name(const std::string& spec);

/// Open it to be played `loop` times (0: for ever); a live source is instead reopened, with growing pauses,
/// whenever it ends or breaks.
std::unique_ptr<Source> open_lasting_source(const std::string& spec, int loop);

}  // namespace fcn_edge::app
