#include "options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <fcn_edge/error.hpp>
#include <fcn_edge/version.hpp>
#include <iostream>
#include <map>
#include <opencv2/core/utility.hpp>
#include <vector>

#include "ground/closest_match.hpp"
#include "ground/cpus.hpp"
#include "ground/shown_source.hpp"

namespace fcn_edge::app {
namespace {

constexpr const char* kExamples = R"(Examples:
  fcn-edge-stream road.fcne --source drive.mp4 --out overlay.mp4 --report report.json
  fcn-edge-stream road.fcne --source 0 --window
  fcn-edge-stream road.fcne --source rtsp://camera.local/stream --masks masks
  fcn-edge-stream road.fcne --source 0,1280x720@30,MJPG --source 1 --serve 127.0.0.1:8080
  fcn-edge-stream road.fcne --selftest

Exit codes: 0 done (also after Ctrl-C or SIGTERM, with all files finished), 1 failure, 2 wrong use.)";

constexpr const char* kPolicyNames = "auto|block|latest|every-n:N|deadline-ms:N";
const std::map<std::string, PolicyKind> kPolicies{{"auto", PolicyKind::automatic},
                                                  {"block", PolicyKind::block},
                                                  {"latest", PolicyKind::latest},
                                                  {"every-n", PolicyKind::every_n},
                                                  {"deadline-ms", PolicyKind::deadline_ms}};
const std::map<std::string, ScheduleChoice> kSchedules{{"auto", ScheduleChoice::automatic},
                                                       {"latency", ScheduleChoice::latency},
                                                       {"throughput", ScheduleChoice::throughput}};

const std::map<std::string, MaskEncoding> kEncodings{{"raw", MaskEncoding::raw}, {"rle", MaskEncoding::rle}};

const std::map<std::string, bool> kBadImages{{"stop", false}, {"skip", true}};

template <class T>
std::string names_of(const std::map<std::string, T>& table) {
  std::string names;
  for (const auto& entry : table) names += (names.empty() ? "" : "|") + entry.first;
  return names;
}

// An option whose value is one of a table's names; others are refused with the list.
template <class Target, class T>
void add_choice(CLI::App& app, const std::string& flag, Target& target, const std::map<std::string, T>& table,
                const std::string& help) {
  app.add_option_function<std::string>(
         flag,
         [&target, &table, flag](const std::string& name) {
           const auto found = table.find(name);
           if (found == table.end()) {
             throw Error(ErrorCode::misuse, flag + " '" + name + "' does not exist",
                         "valid: " + names_of(table));
           }
           target = found->second;
         },
         help)
      ->type_name(names_of(table));
}

// An option that counts something. Read with its sign: as an unsigned number -3 would be a large one.
void add_count(CLI::App& app, const std::string& flag, std::uint64_t& target, const std::string& help) {
  app.add_option_function<std::int64_t>(
         flag,
         [&target, flag](const std::int64_t& count) {
           if (count < 0) {
             throw Error(ErrorCode::misuse, flag + " " + std::to_string(count) + " is negative",
                         "type for example " + flag + " 100");
           }
           target = static_cast<std::uint64_t>(count);
         },
         help)
      ->type_name("N");
}

// "latest", or a name with its number: "every-n:5".
Policy parse_policy(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string number = colon == std::string::npos ? "" : text.substr(colon + 1);
  const auto found = kPolicies.find(text.substr(0, colon));
  const bool known = found != kPolicies.end();
  const bool numbered =
      known && (found->second == PolicyKind::every_n || found->second == PolicyKind::deadline_ms);
  const bool digits =
      !number.empty() && number.size() < 8 && number.find_first_not_of("0123456789") == std::string::npos;
  const int n = digits ? std::stoi(number) : 0;
  if (!known || (numbered ? n < 1 : colon != std::string::npos)) {
    throw Error(ErrorCode::misuse, "--policy '" + text + "' does not exist",
                std::string("valid: ") + kPolicyNames);
  }
  return {found->second, n};
}

std::map<std::string, std::string> parse_pairs(const std::vector<std::string>& pairs) {
  std::map<std::string, std::string> parsed;
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorCode::misuse, "--engine-option '" + pair + "' is not KEY=VALUE",
                  "type for example --engine-option level=5");
    }
    parsed[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return parsed;
}

void declare(CLI::App& app, StreamOptions& o) {
  app.add_option("bundle", o.bundle, "The bundle folder NAME.fcne that fcn-edge compile wrote")
      ->type_name("BUNDLE");
  app.add_option(
         "--source", o.sources,
         "Video file, folder of images, camera index or /dev/videoN (also 0,1280x720@30,MJPG), rtsp:// or "
         "http:// address, GStreamer pipeline ending in appsink, test:1280x720@30, or raw:640x480 for BGR "
         "frames on stdin. Several are served in turn by one engine")
      ->allow_extra_args(false)
      ->type_name("SOURCE");
  app.add_flag("--list-cameras", o.list_cameras,
               "Print this machine's cameras with the formats, sizes and rates they offer, then stop");
  app.add_option("--out", o.out, "Write the overlay as a video file")->type_name("FILE.mp4");
  app.add_option("--masks", o.masks, "Write every class map as an 8-bit PNG of class ids")->type_name("DIR");
  app.add_option("--areas", o.areas, "Write one JSON line a frame with the share of every class; - is stdout")
      ->type_name("FILE");
  add_choice(app, "--masks-stream", o.masks_stream, kEncodings,
             "Write every class map to stdout for another program, plain or as runs of equal ids");
  app.add_option("--serve", o.serve, "Show a live page and /metrics, for example on 127.0.0.1:8080")
      ->type_name("HOST:PORT");
  app.add_option("--serve-token", o.serve_token,
                 "Secret that viewers must give; needed for any address but this machine's own")
      ->envname("FCN_EDGE_TOKEN")
      ->type_name("TOKEN");
  app.add_flag("--window", o.window, "Show the overlay in a window; q or Escape ends");
  app.add_option("--alpha", o.alpha, "Strength of the class colours, 0 to 1")->capture_default_str();
  app.add_option("--report", o.report, "Write counts and latency percentiles as JSON; - is stdout")
      ->type_name("FILE");
  app.add_flag("--raw-samples", o.raw_samples, "Put every latency sample into the report");
  app.add_option_function<std::string>(
         "--policy", [&o](const std::string& text) { o.policy = parse_policy(text); },
         "Frames to keep when the source is faster (auto: files block, live sources latest)")
      ->type_name(kPolicyNames);
  add_choice(app, "--schedule", o.schedule, kSchedules,
             "How the engine shares the cores (auto: files throughput, cameras latency)");
  app.add_option("--threads", o.threads, "Engine threads; 0 lets the engine choose")->type_name("N");
  app.add_option("--slots", o.slots, "Frames in flight at most; 0 lets the schedule choose")->type_name("N");
  app.add_option_function<std::string>(
         "--cpus", [&o](const std::string& text) { o.cpus = parse_cpus(text); },
         "Run on these CPUs only, with as many engine threads, for example 0,1 or 2-5")
      ->type_name("LIST");
  add_count(app, "--limit", o.limit, "Stop after N frames (the warm-up not counted); 0 is no limit");
  app.add_option("--seconds", o.seconds, "Stop after so many seconds")->type_name("S");
  app.add_option("--loop", o.loop, "Play a file or folder N times; 0 is for ever")->type_name("N");
  add_count(app, "--warmup", o.warmup, "Leave the first N frames out of the statistics");
  add_choice(app, "--on-bad-image", o.skip_bad_images, kBadImages,
             "What to do about an image of a folder that cannot be read: stop there, or skip and count it");
  app.add_option("--patience", o.patience, "Give up when a live source is silent for so long")
      ->type_name("S");
  app.add_flag("--soak", o.soak, "Put the course of memory, open files and latency into the report");
  app.add_option("--cache-dir", o.cache_dir, "Folder for compiled engines")->type_name("DIR");
  app.add_option_function<std::vector<std::string>>(
         "--engine-option",
         [&o](const std::vector<std::string>& pairs) { o.engine_options = parse_pairs(pairs); },
         "For the engine, repeatable; TensorRT: cuda_graph=on, level=5, workspace_mb=512")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_flag("--allow-ungated", o.allow_ungated, "Stream a bundle that did not pass its accuracy gate");
  app.add_flag("--build-engine", o.build_engine,
               "Build the engine for this machine anew, self-test it, then stop");
  app.add_flag("--selftest", o.selftest_only, "Check the bundle and its golden frames, then stop");
}

std::string version_text() {
  std::string text = std::string("fcn-edge-stream ") + version() + "\nOpenCV " + cv::getVersionString();
  for (const std::string& engine : engine_versions()) text += "\n" + engine;
  return text;
}

[[noreturn]] void unknown_option(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  if (word.empty() || word.front() != '-') {
    throw Error(ErrorCode::misuse, "unexpected argument '" + shown(word) + "'",
                "one bundle is streamed at a time");
  }
  const std::string name = word.substr(0, word.find('='));  // the value may be an address with a password
  const std::string near = closest_match(name, names);
  throw Error(ErrorCode::misuse, "unknown option '" + name + "'",
              near.empty() ? "see fcn-edge-stream --help" : "did you mean " + near + "?");
}

void require(bool ok, const std::string& what, const std::string& hint) {
  if (!ok) throw Error(ErrorCode::misuse, what, hint);
}

void check(const StreamOptions& o) {
  if (o.list_cameras) return;
  require(!o.bundle.empty(), "no bundle given", "type fcn-edge-stream BUNDLE --source SOURCE");
  require(o.bundle.find("://") == std::string::npos, "the bundle " + shown(o.bundle) + " is an address",
          "type fcn-edge-stream BUNDLE --source ADDRESS");
  require(o.selftest_only || o.build_engine || !o.sources.empty(), "no --source given",
          "type for example --source drive.mp4, or --source 0 for the first camera");
  require(o.alpha >= 0 && o.alpha <= 1, "--alpha is outside 0 to 1", "type for example --alpha 0.5");
  require(o.threads >= 0 && o.threads <= 1024, "--threads is outside 0 to 1024", "0 lets the engine choose");
  require(o.slots >= 0 && o.slots <= 64, "--slots is outside 0 to 64", "0 lets the schedule choose");
  require(o.seconds >= 0 && std::isfinite(o.seconds), "--seconds is no time", "0 is no limit");
  require(o.patience >= 1, "--patience is less than 1", "type for example --patience 30");
  const int on_stdout = (o.areas == "-" ? 1 : 0) + (o.report == "-" ? 1 : 0) + (o.masks_stream ? 1 : 0);
  require(on_stdout <= 1, "two of --areas, --report and --masks-stream want stdout",
          "only one can have it: give the others a file");
  const auto from_stdin = [](const std::string& source) { return source.rfind("raw:", 0) == 0; };
  require(std::count_if(o.sources.begin(), o.sources.end(), from_stdin) <= 1,
          "two sources read standard input", "only one can be raw:");
  require(o.loop >= 0, "--loop is negative", "1 plays the source once, 0 for ever");
}

}  // namespace

std::optional<StreamOptions> parse_options(int argc, const char* const* argv) {
  StreamOptions options;
  CLI::App app("Segment a video stream with a bundle: source -> engine -> overlay, masks, report.",
               "fcn-edge-stream");
  app.set_version_flag("--version", version_text,
                       "Print the versions of the program, OpenCV and the engines");
  app.footer(kExamples);
  app.allow_extras();
  declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return std::nullopt;
  } catch (const CLI::CallForVersion&) {
    std::cout << version_text() << "\n";
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    throw Error(ErrorCode::misuse, error.what(), "see fcn-edge-stream --help");
  }
  if (const auto extra = app.remaining(); !extra.empty()) unknown_option(app, extra.front());
  check(options);
  return options;
}

}  // namespace fcn_edge::app
