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

/// Where frames come from. One thread at a time, but for interrupt() and the counts.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  /// The next picture into `image`, and the stem for its mask when it has one of its own.
  /// False at the end. Throws Error(io) when the source breaks.
  virtual bool read(cv::Mat& image, std::string& name) = 0;

  virtual bool live() const = 0;                ///< frames come whether or not anybody takes them
  virtual double fps() const = 0;               ///< frames a second, on the average; 0 when unknown
  virtual bool steady() const { return true; }  ///< whether all frames are shown equally long

  /// For sources that wait for others, such as pipes: whether read() will come back at once, asked for as
  /// long as `patience`. The end counts as such.
  virtual bool ready(std::chrono::milliseconds /*patience*/) { return true; }

  virtual void interrupt() {}  ///< make a read() that waits on purpose return false
  virtual std::uint64_t reconnects() const { return 0; }
  virtual std::uint64_t damaged() const { return 0; }  ///< packets and pictures the decoder found faults in
  virtual std::uint64_t bad_images() const { return 0; }  ///< image files that were left out
};

/// How sources are opened.
struct SourceSettings {
  std::chrono::milliseconds patience{30000};  ///< how long a server may be silent while it is opened
  bool skip_bad_images = false;  ///< leave image files out that cannot be read, instead of failing
  void (*say)(const std::string&) = nullptr;  ///< is told of each one left out; null: nobody
};

using SourceOpener = std::function<std::unique_ptr<Source>()>;

/// Open what the user named: a video file, image folder, camera, address, GStreamer pipeline, test picture
/// or raw frames. Throws Error(misuse) for what does not exist and Error(io) for what cannot be read.
std::unique_ptr<Source> open_source(const std::string& spec, const SourceSettings& settings = {});

/// Whether the source is live, where its name tells: false for files that are there, true for cameras.
std::optional<bool> live_by_name(const std::string& spec);

/// Open it to be played `loop` times (0: for ever); a live source is instead reopened, with growing pauses,
/// whenever it ends or breaks.
std::unique_ptr<Source> open_lasting_source(const std::string& spec, int loop,
                                            const SourceSettings& settings = {});

}  // namespace fcn_edge::app
