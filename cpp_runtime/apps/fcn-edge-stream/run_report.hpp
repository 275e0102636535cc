#pragma once

#include <fcn_edge/segmenter.hpp>

#include "code_sink.hpp"
#include "options.hpp"
#include "pipeline.hpp"
#include "soak.hpp"
#include "statistics.hpp"

namespace fcn_edge::app {

/// Gathers what one run is told about: filled while it runs, written and summed up on stderr at its end.
class RunReport {
 public:
  explicit RunReport(const StreamOptions& options);

  void finish(const Segmenter& segmenter, const Pipeline& pipeline, bool live, Schedule schedule);

  Statistics statistics;
  Soak soak;
  CodeSink codes;

 private:
  nlohmann::json about(const Segmenter& segmenter, const Pipeline& pipeline, Schedule schedule) const;

  const StreamOptions& options_;
  double load_before_;
};

}  // namespace fcn_edge::app
