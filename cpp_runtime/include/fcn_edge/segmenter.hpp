#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "fcn_edge/bundle_info.hpp"
#include "fcn_edge/drift.hpp"
#include "fcn_edge/export.hpp"
#include "fcn_edge/frame.hpp"

namespace fcn_edge {

/// How the engine shares the cores. It changes speed and latency, never a mask.
enum class Schedule {
  latency,     ///< all cores on one frame: the shortest wait for a live picture
  throughput,  ///< several frames at once: the most frames a second from a file
};

struct Options {
  Schedule schedule = Schedule::latency;
  int threads = 0;  ///< engine threads; 0 leaves the choice to the engine
  int slots = 0;    ///< frames in flight at most (see Segmenter::start); 0: what the engine advises
  bool allow_ungated = false;  ///< open a bundle that never passed its accuracy gate
  bool selftest = true;        ///< run the golden frames before anything else
  /// Folder for compiled engines; empty: $FCN_EDGE_CACHE, $XDG_CACHE_HOME/fcn-edge or ~/.cache/fcn-edge.
  /// An unwritable folder only costs start-up time.
  std::string cache_dir;
  bool rebuild = false;  ///< build the engine anew even where a cached one matches
  /// Of the engine's own, e.g. {"cuda_graph", "on"} for TensorRT (docs/nvidia.md); unknown ones are refused.
  std::map<std::string, std::string> engine_options;
  /// Called with one line at a time while an engine is built, which can take minutes on a GPU; may be empty.
  std::function<void(const std::string&)> progress;
};

using TimePoint = std::chrono::steady_clock::time_point;

/// When a frame passed each station inside the Segmenter.
struct Timing {
  TimePoint started;    ///< start() was entered
  TimePoint submitted;  ///< the frame was resized and handed to the engine
  TimePoint completed;  ///< the engine was done with it
  TimePoint collected;  ///< finish() took the result
  TimePoint finished;   ///< the mask was written
};

/// How the golden frames came out on this machine.
struct SelfTest {
  int frames = 0;          ///< 0 when the test was not run
  double agreement = 1.0;  ///< share of pixels equal to the golden masks, worst frame
};

/// A verified bundle, ready to segment frames.
///
/// Movable, not copyable. One thread at a time may call a Segmenter; two Segmenters are independent, so a
/// program with two threads opens two, or hands one around under its own lock. A moved-from Segmenter may
/// only be destroyed or assigned to. Nothing here prints, aborts or reads the network; every failure is an
/// fcn_edge::Error.
class FCN_EDGE_API Segmenter {
 public:
  /// Open BUNDLE (the folder NAME.fcne): check every hash, load the engine, run the golden self-test.
  static Segmenter open(const std::string& bundle, const Options& options = {});

  Segmenter(Segmenter&&) noexcept;
  Segmenter& operator=(Segmenter&&) noexcept;
  ~Segmenter();

  const BundleInfo& info() const noexcept;
  const SelfTest& selftest() const noexcept;

  /// How far the frames so far are from those that the bundle was calibrated on; the self-test's do not
  /// count.
  const Drift& drift() const noexcept;

  /// Name and version of the engine and what it runs on, e.g. "OpenVINO 2026.4.0 on CPU".
  std::string engine() const;

  /// Folder in which the compiled engine is kept for the next start; empty when none could be written.
  const std::string& cache() const noexcept;

  /// Segment one frame of any size. The mask has the bundle's own size, info().height x info().width.
  Mask run(const FrameView& frame);

  /// The same into a mask the caller keeps: no allocation once it has its size.
  void run(const FrameView& frame, Mask& mask);

  /// Several frames in flight: start() copies (resizes) the frame into a slot and returns while the engine
  /// works; finish() waits for that slot and writes its mask. Slots are 0 .. slots()-1, each used in turn:
  /// start, finish, start, ... The frame may be reused as soon as start() returns.
  int slots() const noexcept;
  void start(int slot, const FrameView& frame);
  Timing finish(int slot, Mask& mask);

 private:
  class Impl;
  explicit Segmenter(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fcn_edge
