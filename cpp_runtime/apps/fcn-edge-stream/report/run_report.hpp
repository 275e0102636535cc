#pragma once

#include <fcn_edge/segmenter.hpp>
#include <memory>
#include <string>
#include <vector>

#include "options.hpp"
#include "report/soak.hpp"
#include "sinks/code_sink.hpp"
#include "stream/pipeline.hpp"
#include "stream/statistics.hpp"

namespace fcn_edge::app {

/// Gathers what one run is told about: filled while it runs, written and summed up on stderr at its end.
class RunReport {
 public:
  explicit RunReport(const StreamOptions& options);

  /// Put into the sources' channels what looks on at them. It must outlive them.
  void watch(std::vector<Channel>& channels);

  void note_failure(std::size_t source, const std::string& what) { sources_[source]->failure = what; }

  /// Write the report and sum up on stderr.
  void finish(const Segmenter& segmenter, const Pipeline& pipeline, bool live, Schedule schedule);

  std::vector<SourceView> views() const;

  Statistics statistics;  ///< of all sources together

 private:
  struct PerSource {
    std::string spec;
    Statistics statistics;  // only filled when there are several
    CodeSink codes;
    std::string failure;  // empty: none
  };

  bool single() const { return sources_.size() == 1; }
  nlohmann::json about(const Segmenter& segmenter, const Pipeline& pipeline, Schedule schedule) const;
  nlohmann::json about(const PerSource& source) const;

  const StreamOptions& options_;
  Soak soak_;
  std::vector<std::unique_ptr<PerSource>> sources_;
  double load_before_;
};

}  // namespace fcn_edge::app
