#pragma once

#include <fcn_edge/bundle_info.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "options.hpp"
#include "stream/pipeline.hpp"
#include "stream/sink.hpp"

namespace fcn_edge::app {

/// Everything the user asked to be written or shown. With several sources, files and windows are one for
/// each, numbered from 0; areas, mask stream and live page are shared.
class Outputs {
 public:
  /// Opens the files: called before the engine is, since what cannot be written is better known at once.
  Outputs(const StreamOptions& options, const std::vector<std::unique_ptr<Source>>& sources);

  /// Add what needs to know the classes.
  void open_rest(const BundleInfo& info);

  /// Add one that all sources share.
  void share(std::unique_ptr<Sink> sink) { shared_.push_back(std::move(sink)); }

  /// One for each source; valid as long as this object is.
  std::vector<Channel> channels() const;

  void commit_of(std::size_t source);  ///< make final what belongs to one source
  void commit_shared();                ///< and what belongs to all

 private:
  using Sinks = std::vector<std::unique_ptr<Sink>>;

  const StreamOptions& options_;
  std::vector<Sinks> own_;
  Sinks shared_;
};

/// PATH for a single source, else with the source's number: a/overlay.mp4 -> a/overlay-1.mp4, masks ->
/// masks/1.
std::string numbered_file(const std::string& path, std::size_t source, std::size_t sources);
std::string numbered_folder(const std::string& path, std::size_t source, std::size_t sources);

}  // namespace fcn_edge::app
