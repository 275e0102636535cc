// fcn-edge-stream: read this file first. parse -> open -> run -> report.

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <cstdlib>
#include <exception>
#include <fcn_edge/fcn_edge.hpp>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>

#include "device.hpp"
#include "feed.hpp"
#include "options.hpp"
#include "pipeline.hpp"
#include "process.hpp"
#include "report.hpp"
#include "sink.hpp"
#include "source.hpp"
#include "warnings.hpp"

namespace fcn_edge::app {
namespace {

// One format for everything a person reads, on stderr; stdout is for results.
void set_up_log() {
  spdlog::set_default_logger(spdlog::stderr_logger_st("fcn-edge-stream"));
  spdlog::set_pattern("%n: %l: %v");
}

// OpenCV and FFmpeg would print their own lines; ours says what is needed.
void silence_libraries() {
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  cv::redirectError([](int, const char*, const char*, const char*, int, void*) { return 0; });
  setenv("OPENCV_FFMPEG_LOGLEVEL", "-8", 0);
  setenv("OPENCV_FFMPEG_WRITER_OPTIONS", "preset;veryfast", 0);
}

bool is_throughput(const StreamOptions& options, bool live) {
  if (options.schedule == ScheduleChoice::automatic) return !live;
  return options.schedule == ScheduleChoice::throughput;
}

// Files keep one frame more in flight than the engine works on, so that it never waits for the decoder.
Segmenter open_segmenter(const StreamOptions& options, bool live) {
  Options engine;
  engine.schedule = is_throughput(options, live) ? Schedule::throughput : Schedule::latency;
  engine.threads = options.threads;
  engine.slots = options.slots;
  if (engine.slots == 0 && !live) engine.slots = engine.schedule == Schedule::throughput ? 3 : 2;
  engine.allow_ungated = options.allow_ungated;
  engine.cache_dir = options.cache_dir;
  engine.rebuild = options.build_engine;
  engine.progress = [](const std::string& line) { spdlog::info("{}", line); };
  return Segmenter::open(options.bundle, engine);
}

std::unique_ptr<Feed> make_feed(const StreamOptions& options, std::unique_ptr<Source> source) {
  const bool latest = options.policy == Policy::automatic ? source->live() : options.policy == Policy::latest;
  if (latest) return make_latest_feed(std::move(source));
  return make_block_feed(
      std::move(source), [spec = options.source] { return open_source(spec); }, options.loop);
}

std::vector<std::unique_ptr<Sink>> make_sinks(const StreamOptions& options, double fps) {
  std::vector<std::unique_ptr<Sink>> sinks;
  if (!options.masks.empty()) sinks.push_back(make_mask_sink(options.masks));
  if (!options.out.empty()) sinks.push_back(make_video_sink(options.out, fps));
  if (options.window) sinks.push_back(make_window_sink("fcn-edge: " + options.source));
  return sinks;
}

nlohmann::json describe_run(const StreamOptions& options, const Segmenter& segmenter, bool live) {
  const BundleInfo& info = segmenter.info();
  return {
      {"bundle",
       {{"name", info.name},
        {"precision", info.precision},
        {"target", info.target},
        {"gate", info.gate},
        {"height", info.height},
        {"width", info.width}}},
      {"engine", segmenter.engine()},
      {"source", options.source},
      {"selftest", {{"frames", segmenter.selftest().frames}, {"agreement", segmenter.selftest().agreement}}},
      {"schedule", is_throughput(options, live) ? "throughput" : "latency"},
      {"slots", segmenter.slots()},
      {"threads", options.threads},
      {"warmup", options.warmup},
      {"version", version()}};
}

void greet(const Segmenter& segmenter) {
  const BundleInfo& info = segmenter.info();
  spdlog::info("{}: {} {}x{} on {}; self-test: {} frames, agreement {:.4f}", info.name, info.precision,
               info.height, info.width, segmenter.engine(), segmenter.selftest().frames,
               segmenter.selftest().agreement);
}

void finish(const StreamOptions& options, const Segmenter& segmenter, const Pipeline& pipeline,
            const Statistics& statistics, RunFacts facts) {
  facts.gate = segmenter.info().gate;
  facts.first_infer_ms = pipeline.first_infer_ms();
  const std::vector<Warning> warnings = judge(statistics, facts, options);
  nlohmann::json about = describe_run(options, segmenter, facts.live);
  about["start_ms"] = std::round(1e3 * pipeline.first_mask_seconds());
  about["rss_mb"] = peak_memory_mb();
  if (!options.report.empty()) {
    write_report(make_report(statistics, warnings, describe_device(), about, options.raw_samples),
                 options.report);
  }
  for (const Warning& warning : warnings) spdlog::warn("{}; {}", warning.message, warning.remedy);
  spdlog::info("{} frames in, {} out, {} dropped, {:.1f} fps, age p50 {:.1f} ms", statistics.frames_in,
               statistics.frames_out, statistics.dropped, statistics.fps(),
               statistics.total.percentile_ms(0.5));
}

void stream(const StreamOptions& options) {
  RunFacts facts;
  facts.load_before = load_per_core();
  std::unique_ptr<Source> source = open_source(options.source);
  facts.live = source->live();
  std::vector<std::unique_ptr<Sink>> sinks = make_sinks(options, source->fps());
  Segmenter segmenter = open_segmenter(options, facts.live);
  greet(segmenter);

  Statistics statistics;
  if (options.raw_samples) {
    for (const auto& stage : statistics.stages()) stage.second->keep_samples();
  }
  const std::unique_ptr<Feed> feed = make_feed(options, std::move(source));
  Pipeline pipeline(segmenter, *feed, sinks, {options.alpha, options.limit, options.warmup}, statistics);
  pipeline.run();
  for (const auto& sink : sinks) sink->commit();
  finish(options, segmenter, pipeline, statistics, facts);
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

}  // namespace
}  // namespace fcn_edge::app

int main(int argc, char** argv) {
  fcn_edge::app::set_up_log();
  try {
    fcn_edge::app::run(argc, argv);
    return EXIT_SUCCESS;
  } catch (const fcn_edge::Error& error) {
    spdlog::error("{}", error.what());
    return error.code() == fcn_edge::ErrorCode::misuse ? 2 : 1;
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
    return 1;
  }
}
