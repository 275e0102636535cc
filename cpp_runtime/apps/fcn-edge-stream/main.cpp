// fcn-edge-stream: read this file first. parse -> open -> run -> report.

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <exception>
#include <fcn_edge/fcn_edge.hpp>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>

#include "code_sink.hpp"
#include "feed.hpp"
#include "live_page.hpp"
#include "options.hpp"
#include "pipeline.hpp"
#include "process.hpp"
#include "run_report.hpp"
#include "sink.hpp"
#include "soak.hpp"
#include "source.hpp"

namespace fcn_edge::app {
namespace {

// One format for everything a person reads, on stderr; stdout is for results.
void set_up_log() {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("fcn-edge-stream"));
  spdlog::set_pattern("%n: %l: %v");
}

// OpenCV and FFmpeg would print their own lines; ours says what is needed.
void silence_libraries() {
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  cv::redirectError([](int, const char*, const char*, const char*, int, void*) { return 0; });
  setenv("OPENCV_FFMPEG_LOGLEVEL", "-8", 0);
  setenv("OPENCV_FFMPEG_WRITER_OPTIONS", "preset;veryfast", 0);
}

Schedule choose_schedule(const StreamOptions& options, bool live) {
  if (options.schedule == ScheduleChoice::automatic) return live ? Schedule::latency : Schedule::throughput;
  return options.schedule == ScheduleChoice::latency ? Schedule::latency : Schedule::throughput;
}

// Files keep one frame more in flight than the engine works on, so that it never waits for the decoder.
Segmenter open_segmenter(const StreamOptions& options, bool live) {
  Options engine;
  engine.schedule = choose_schedule(options, live);
  engine.threads = options.threads;
  engine.slots = options.slots;
  if (engine.slots == 0 && !live) engine.slots = engine.schedule == Schedule::throughput ? 3 : 2;
  engine.allow_ungated = options.allow_ungated;
  engine.cache_dir = options.cache_dir;
  engine.rebuild = options.build_engine;
  engine.engine_options = options.engine_options;
  engine.progress = [](const std::string& line) { spdlog::info("{}", line); };
  return Segmenter::open(options.bundle, engine);
}

FeedSettings feed_settings(const StreamOptions& options, bool live) {
  const PolicyKind kind = options.policy.kind;
  const bool automatic = kind == PolicyKind::automatic || kind == PolicyKind::every_n;
  FeedSettings settings;
  settings.latest = automatic ? live : kind != PolicyKind::block;
  if (kind == PolicyKind::every_n) settings.every = static_cast<std::uint64_t>(options.policy.number);
  if (kind == PolicyKind::deadline_ms) settings.deadline = std::chrono::milliseconds(options.policy.number);
  settings.patience = std::chrono::seconds(options.patience);
  return settings;
}

void greet(const Segmenter& segmenter) {
  const BundleInfo& info = segmenter.info();
  spdlog::info("{}: {} {}x{} on {}; self-test: {} frames, agreement {:.4f}", info.name, info.precision,
               info.height, info.width, segmenter.engine(), segmenter.selftest().frames,
               segmenter.selftest().agreement);
}

// The files are opened before the engine: what cannot be written is better known at once.
std::vector<std::unique_ptr<Sink>> make_file_sinks(const StreamOptions& options, double fps) {
  std::vector<std::unique_ptr<Sink>> sinks;
  if (!options.masks.empty()) sinks.push_back(make_mask_sink(options.masks));
  if (!options.out.empty()) sinks.push_back(make_video_sink(options.out, fps));
  if (options.window) sinks.push_back(make_window_sink("fcn-edge: " + options.source));
  return sinks;
}

void stream(const StreamOptions& options) {
  RunReport report(options);
  const std::optional<LiveAddress> address =
      options.serve.empty() ? std::nullopt
                            : std::optional(parse_live_address(options.serve, options.serve_token));
  std::unique_ptr<Source> source = open_lasting_source(options.source, options.loop);
  const bool live = source->live();
  std::vector<std::unique_ptr<Sink>> sinks = make_file_sinks(options, source->fps());
  Segmenter segmenter = open_segmenter(options, live);
  greet(segmenter);

  Statistics& statistics = report.statistics;
  if (!options.areas.empty()) sinks.push_back(make_area_sink(options.areas, segmenter.info().classes));
  if (address) sinks.push_back(make_live_page(*address, segmenter.info(), statistics, options.alpha));
  std::vector<Sink*> all;
  for (const auto& sink : sinks) all.push_back(sink.get());
  if (options.soak) all.push_back(&report.soak);
  if (options.source.rfind("test:", 0) == 0) all.push_back(&report.codes);

  const std::unique_ptr<Feed> feed = make_feed(std::move(source), feed_settings(options, live));
  Pipeline pipeline(segmenter, *feed, all, {options.alpha, options.limit, options.warmup, options.seconds},
                    statistics);
  std::exception_ptr loss;
  try {
    pipeline.run();
  } catch (const Error&) {
    if (!live) throw;
    loss = std::current_exception();  // what a camera gave until it was lost is worth keeping
  }
  for (const auto& sink : sinks) sink->commit();
  report.finish(segmenter, pipeline, live, choose_schedule(options, live));
  if (loss) std::rethrow_exception(loss);
}

void run(int argc, const char* const* argv) {
  const std::optional<StreamOptions> options = parse_options(argc, argv);
  if (!options) return;
  watch_signals();
  silence_libraries();
  if (options->selftest_only || options->build_engine) {
    greet(open_segmenter(*options, true));
  } else {
    stream(*options);
  }
}

int run_or_explain(int argc, const char* const* argv) {
  try {
    run(argc, argv);
    return EXIT_SUCCESS;
  } catch (const Error& error) {
    spdlog::error("{}", error.what());
    return error.code() == ErrorCode::misuse ? 2 : EXIT_FAILURE;
  } catch (const std::exception& error) {  // not ours: OpenCV's messages end in a newline and more
    const std::string what = error.what();
    spdlog::error("{}", what.substr(0, what.find('\n')));
    return EXIT_FAILURE;
  }
}

}  // namespace
}  // namespace fcn_edge::app

int main(int argc, char** argv) {
  fcn_edge::app::set_up_log();
  fcn_edge::app::exit_process(fcn_edge::app::run_or_explain(argc, argv));
}
