// fcn-edge-stream: read this file first. parse -> open -> run -> report.

#include <fcntl.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fcn_edge/fcn_edge.hpp>
#include <future>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <utility>

#include "ground/cpus.hpp"
#include "ground/process.hpp"
#include "ground/standard_streams.hpp"
#include "live/page.hpp"
#include "options.hpp"
#include "report/run_report.hpp"
#include "sinks/check_outputs.hpp"
#include "sinks/outputs.hpp"
#include "sources/cameras.hpp"
#include "sources/source.hpp"
#include "stream/feed.hpp"
#include "stream/pipeline.hpp"
#include "stream/turns.hpp"

namespace fcn_edge::app {
namespace {

// One format for everything a person reads, on stderr; stdout is for results. The log has a descriptor of its
// own: stderr leads nowhere while an image is decoded.
void set_up_log() {
  const int own = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  std::FILE* file = own < 0 ? nullptr : ::fdopen(own, "w");
  using Lines = spdlog::sinks::stdout_sink_base<spdlog::details::console_mutex>;
  const auto lines = std::make_shared<Lines>(file == nullptr ? stderr : file);
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("fcn-edge-stream", lines));
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
  if (engine.threads == 0) engine.threads = static_cast<int>(options.cpus.size());
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

using Sources = std::vector<std::unique_ptr<Source>>;

Sources open_sources(const StreamOptions& options) {
  Sources sources;
  SourceSettings settings;
  settings.patience = std::chrono::seconds(options.patience);
  settings.skip_bad_images = options.skip_bad_images;
  settings.say = [](const std::string& line) { spdlog::warn("{}", line); };
  for (const std::string& spec : options.sources) {
    sources.push_back(open_lasting_source(spec, options.loop, settings));
  }
  return sources;
}

bool any(const std::vector<bool>& values) {
  return std::any_of(values.begin(), values.end(), [](bool one) { return one; });
}

// Whether a source is live, as far as the names tell; fewer entries than sources where one does not.
std::vector<bool> live_by_names(const StreamOptions& options) {
  std::vector<bool> live;
  for (const std::string& spec : options.sources) {
    if (const auto known = live_by_name(spec)) live.push_back(*known);
  }
  return live;
}

std::vector<bool> live_of(const Sources& sources) {
  std::vector<bool> live;
  for (const auto& source : sources) live.push_back(source->live());
  return live;
}

// Whether a source is live decides how the engine is opened. Where the names tell, both are opened at the
// same time: the libraries that read files and cameras take as long to load as a third of the engine.
std::pair<Sources, Segmenter> open_all(const StreamOptions& options) {
  const std::vector<bool> live = live_by_names(options);
  if (live.size() < options.sources.size()) {
    Sources sources = open_sources(options);
    Segmenter segmenter = open_segmenter(options, any(live_of(sources)));
    return {std::move(sources), std::move(segmenter)};
  }
  auto opening = std::async(std::launch::async, [&options] { return open_sources(options); });
  Segmenter segmenter = open_segmenter(options, any(live));
  return {opening.get(), std::move(segmenter)};
}

Turns take_turns(const StreamOptions& options, Sources sources) {
  const auto bell = std::make_shared<Bell>();
  std::vector<std::unique_ptr<Feed>> feeds;
  for (auto& source : sources) {
    const bool live = source->live();
    feeds.push_back(make_feed(std::move(source), feed_settings(options, live), bell));
  }
  return Turns(std::move(feeds), bell);
}

// Not ours: OpenCV's messages end in a newline and more.
std::string first_line(const std::exception& error) {
  const std::string what = error.what();
  return what.substr(0, what.find('\n'));
}

std::string words_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return first_line(error);
  }
}

// What a source gave until it was lost or broke is worth keeping; of a file that gave nothing there is
// nothing to keep. False when that leaves nothing.
bool keep_results(const Turns& turns, const std::vector<bool>& live, Outputs& outputs, RunReport& report) {
  bool anything = false;
  for (std::size_t i = 0; i < turns.count(); ++i) {
    const std::exception_ptr failure = turns.failure(i);
    if (failure) report.note_failure(i, words_of(failure));
    if (failure && !live[i] && turns.feed(i).frames_in() == 0) continue;
    outputs.commit_of(i);
    anything = true;
  }
  if (anything) outputs.commit_shared();
  return anything;
}

void rethrow_first_failure(const Turns& turns) {
  for (std::size_t i = 0; i < turns.count(); ++i) {
    if (turns.failure(i)) std::rethrow_exception(turns.failure(i));
  }
}

void stream(const StreamOptions& options) {
  check_outputs(options);
  RunReport report(options);
  const std::optional<LiveAddress> page =
      options.serve.empty() ? std::nullopt
                            : std::optional(parse_live_address(options.serve, options.serve_token));
  auto [sources, segmenter] = open_all(options);
  const std::vector<bool> each_live = live_of(sources);
  Outputs outputs(options, sources);
  greet(segmenter);
  outputs.open_rest(segmenter.info());
  if (page) outputs.share(make_live_page(*page, segmenter.info(), report.views(), options.alpha));
  std::vector<Channel> channels = outputs.channels();
  report.watch(channels);

  Turns turns = take_turns(options, std::move(sources));
  Pipeline pipeline(segmenter, turns, channels,
                    {options.alpha, options.limit, options.warmup, options.seconds}, report.statistics);
  begin_work();
  pipeline.run();
  if (keep_results(turns, each_live, outputs, report)) {
    report.finish(segmenter, pipeline, any(each_live), choose_schedule(options, any(each_live)));
  }
  rethrow_first_failure(turns);
}

void run(int argc, const char* const* argv) {
  const std::optional<StreamOptions> options = parse_options(argc, argv);
  if (!options) return;
  if (options->list_cameras) {
    print_cameras();
    return;
  }
  watch_signals();
  silence_libraries();
  use_cpus(options->cpus);  // before any thread is made: they all inherit it
  if (options->selftest_only || options->build_engine) {
    greet(open_segmenter(*options, true));
  } else {
    stream(*options);
  }
}

int run_or_explain(int argc, const char* const* argv) {
  try {
    run(argc, argv);
    finish_stdout();
    return EXIT_SUCCESS;
  } catch (const Error& error) {
    spdlog::error("{}", error.what());
    return error.code() == ErrorCode::misuse ? 2 : EXIT_FAILURE;
  } catch (const std::exception& error) {
    spdlog::error("{}", first_line(error));
    return EXIT_FAILURE;
  }
}

}  // namespace
}  // namespace fcn_edge::app

int main(int argc, char** argv) {
  fcn_edge::app::hold_standard_streams();
  fcn_edge::app::set_up_log();
  fcn_edge::app::exit_process(fcn_edge::app::run_or_explain(argc, argv));
}
