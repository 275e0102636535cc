#pragma once

#include <fcn_edge/bundle_info.hpp>
#include <memory>
#include <string>
#include <vector>

#include "live/address.hpp"
#include "stream/sink.hpp"
#include "stream/statistics.hpp"

namespace fcn_edge::app {

/// The live page for boxes without a screen (--serve):
///   /              the page          /stream        the overlay as MJPEG
///   /picture.jpg   one picture       /status.json   counts, percentiles, class shares
///   /metrics       Prometheus text   /alpha         POST value=0..1
/// Stream, picture and status take ?source=N, the first by default. Throws Error(io) when the address cannot
/// be listened on. The statistics must outlive it.
std::unique_ptr<Sink> make_live_page(const LiveAddress& address, const BundleInfo& info,
                                     std::vector<SourceView> sources, double alpha);

/// The page's HTML, kept in page.html.
extern const char* const kLivePageHtml;

}  // namespace fcn_edge::app
