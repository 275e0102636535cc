#include "sinks/check_outputs.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <fcn_edge/error.hpp>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "sinks/outputs.hpp"
#include "sinks/video_name.hpp"
#include "sources/source.hpp"

namespace fcn_edge::app {
namespace fs = std::filesystem;
namespace {

// Where a path leads: through all links, also where its end is not there yet.
fs::path real_path(const fs::path& path) {
  std::error_code error;
  fs::path at = path;
  for (int links = 0; links < 40 && fs::is_symlink(at, error); ++links) {
    at = at.parent_path() / fs::read_symlink(at, error);
    if (error) break;
  }
  const fs::path real = fs::weakly_canonical(fs::absolute(at, error), error);
  return error ? at.lexically_normal() : real;
}

bool is_same(const fs::path& one, const fs::path& other) {
  struct stat a {};
  struct stat b {};
  if (::stat(one.c_str(), &a) == 0 && ::stat(other.c_str(), &b) == 0)
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
  return real_path(one) == real_path(other);
}

bool lies_in(const fs::path& folder, const fs::path& path) {
  for (fs::path at = real_path(path); at.has_relative_path(); at = at.parent_path()) {
    if (is_same(folder, at)) return true;
  }
  return false;
}

// Devices and pipes take what several write to them.
bool is_special(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

struct Output {
  std::string option;
  std::string path;
  bool folder;
};

std::vector<Output> outputs_of(const StreamOptions& o) {
  std::vector<Output> outputs;
  const std::size_t sources = o.sources.size();
  for (std::size_t i = 0; i < sources; ++i) {
    if (!o.out.empty()) outputs.push_back({"--out", numbered_file(o.out, i, sources), false});
    if (!o.masks.empty()) outputs.push_back({"--masks", numbered_folder(o.masks, i, sources), true});
  }
  if (!o.areas.empty() && o.areas != "-") outputs.push_back({"--areas", o.areas, false});
  if (!o.report.empty() && o.report != "-") outputs.push_back({"--report", o.report, false});
  return outputs;
}

// The files that a pipeline names: the values of location=, quoted or not.
std::vector<std::string> locations_in(const std::string& pipeline) {
  static const std::string key = "location=";
  std::vector<std::string> found;
  for (std::size_t at = pipeline.find(key); at != std::string::npos; at = pipeline.find(key, at)) {
    at += key.size();
    const bool quoted = at < pipeline.size() && (pipeline[at] == '"' || pipeline[at] == '\'');
    const std::size_t end = quoted ? pipeline.find(pipeline[at], at + 1) : pipeline.find_first_of(" \t", at);
    const std::size_t begin = at + (quoted ? 1 : 0);
    found.push_back(pipeline.substr(begin, end == std::string::npos ? end : end - begin));
  }
  return found;
}

// The files or the folder that a source reads; none for cameras, addresses and the like.
std::vector<fs::path> files_of(const std::string& source) {
  std::error_code error;
  std::vector<std::string> named{source};
  if (!fs::exists(source, error)) {
    if (source.rfind("file:", 0) == 0) named = {source.substr(source.rfind("file://", 0) == 0 ? 7 : 5)};
    if (source.find(" ! ") != std::string::npos) named = locations_in(source);
  }
  std::vector<fs::path> files;
  for (const std::string& path : named) {
    if (fs::exists(path, error)) files.emplace_back(path);
  }
  return files;
}

bool holds(const fs::path& folder, const fs::path& file) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!entry.is_directory(error) && is_same(entry.path(), file)) return true;
  }
  return false;
}

// Files are written where links lead: one in the folder of the masks may lead to a picture of the source.
bool leads_to(const fs::path& folder, const fs::path& source) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!entry.is_symlink(error) && entry.hard_link_count(error) < 2) continue;
    if (fs::is_directory(source, error) ? holds(source, entry.path()) : is_same(entry.path(), source))
      return true;
  }
  return false;
}

// A mask has its picture's stem: beside a PNG it would take its place.
bool would_replace(const Output& output, const fs::path& source) {
  std::error_code error;
  if (is_same(source, output.path)) return true;
  if (output.folder) {
    if (leads_to(output.path, source)) return true;
    return source.extension() == ".png" && is_same(real_path(source).parent_path(), output.path);
  }
  return fs::is_directory(source, error) && fs::exists(output.path, error) && holds(source, output.path);
}

void check_against_inputs(const Output& output, const StreamOptions& options) {
  for (const std::string& spec : options.sources) {
    const std::vector<fs::path> files = files_of(spec);
    const auto read = [&](const fs::path& file) { return would_replace(output, file); };
    if (std::none_of(files.begin(), files.end(), read)) continue;
    throw Error(ErrorCode::misuse,
                output.option + " " + output.path + " would overwrite --source " + shown(spec),
                "choose another " + output.option);
  }
  if (!lies_in(options.bundle, output.path)) return;
  throw Error(ErrorCode::misuse, output.option + " " + output.path + " lies in the bundle",
              "choose another " + output.option);
}

void check_name(const Output& output) {
  std::error_code error;
  if (!output.folder && fs::is_directory(output.path, error)) {
    throw Error(ErrorCode::misuse, output.option + " " + output.path + " is a folder",
                "give the name of a file");
  }
  if (output.option != "--out" || !codecs_for(output.path).empty()) return;
  if (is_special(output.path) && !fs::path(output.path).has_extension()) return;
  throw Error(ErrorCode::misuse, "--out " + output.path + " is not a kind of video that is written",
              "give a name ending in " + video_endings());
}

}  // namespace

void check_outputs(const StreamOptions& options) {
  const std::vector<Output> outputs = outputs_of(options);
  for (auto output = outputs.begin(); output != outputs.end(); ++output) {
    check_against_inputs(*output, options);
    check_name(*output);
    const auto twin = std::find_if(outputs.begin(), output, [&](const Output& other) {
      return !is_special(output->path) && is_same(output->path, other.path);
    });
    if (twin == output) continue;
    throw Error(ErrorCode::misuse, output->option + " and " + twin->option + " are both " + output->path,
                "give each its own");
  }
}

}  // namespace fcn_edge::app
