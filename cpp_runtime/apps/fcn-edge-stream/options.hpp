#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fcn_edge::app {

/// Which frames are kept when the source is faster than the engine.
enum class PolicyKind {
  automatic,    ///< block for files, latest for live sources
  block,        ///< every frame; the source waits
  latest,       ///< the newest frame; older ones are dropped and counted
  every_n,      ///< every N-th frame; for the rest as automatic
  deadline_ms,  ///< latest, and frames older than N ms are dropped too
};

struct Policy {
  PolicyKind kind = PolicyKind::automatic;
  int number = 0;  ///< the N of every-n:N and deadline-ms:N
};

/// How masks are packed on stdout.
enum class MaskEncoding {
  raw,  ///< the class ids, row by row
  rle,  ///< runs of equal ids along the rows: 1 byte id, 2 bytes length (little endian, 1 to 65535)
};

enum class ScheduleChoice { automatic, latency, throughput };

/// What the user typed.
struct StreamOptions {
  std::string bundle;
  std::vector<std::string> sources;
  std::string out;
  std::string masks;
  std::string areas;
  std::string serve;
  std::string serve_token;
  std::string report;
  std::optional<MaskEncoding> masks_stream;  ///< of the masks on stdout
  bool list_cameras = false;
  bool window = false;
  bool raw_samples = false;
  bool allow_ungated = false;
  bool selftest_only = false;
  bool build_engine = false;
  bool soak = false;
  bool skip_bad_images = false;  ///< leave out what cannot be read of a folder, instead of stopping there
  Policy policy;
  ScheduleChoice schedule = ScheduleChoice::automatic;
  int threads = 0;
  int slots = 0;
  std::vector<int> cpus;    ///< run on these only; empty: on all
  std::uint64_t limit = 0;  ///< frames after the warm-up; 0: no limit
  int loop = 1;             ///< 0: for ever
  std::uint64_t warmup = 0;
  double seconds = 0;  ///< 0: no limit
  int patience = 30;   ///< seconds a live source may stay silent
  double alpha = 0.5;
  std::string cache_dir;
  std::map<std::string, std::string> engine_options;
};

/// Parse the command line. Empty when --help or --version has been answered on stdout; throws
/// Error(misuse) with one sentence, naming the nearest option when one is unknown.
std::optional<StreamOptions> parse_options(int argc, const char* const* argv);

}  // namespace fcn_edge::app
