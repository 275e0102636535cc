#pragma once

#include <fcn_edge/bundle_info.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stream/class_shares.hpp"
#include "stream/statistics.hpp"

namespace fcn_edge::app {

/// The run so far in Prometheus' text exposition format 0.0.4.
/// Every sample but the process's own is labelled with its source; `shares` has one entry for each.
std::string prometheus_text(const std::vector<SourceView>& sources, const std::vector<ClassInfo>& classes,
                            const std::vector<ClassShares>& shares);

/// One source for the live page: counts, fps, percentiles of every stage, classes with colour and share.
nlohmann::json live_status(const SourceView& source, const std::vector<ClassInfo>& classes,
                           const ClassShares& shares);

}  // namespace fcn_edge::app
