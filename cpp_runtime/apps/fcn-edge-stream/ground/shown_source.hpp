#pragma once

#include <string>

namespace fcn_edge::app {

/// The source as it may be shown and logged: *** stands where a secret may be. What is shown of an address is
/// its scheme, host, port and path; of a GStreamer pipeline its elements and the name of the first property
/// of each; files, cameras and test pictures are shown whole. docs/runtime.md has the rule, and
/// fcn_edge/data/shown_source.py the same in Python.
std::string shown(const std::string& spec);

}  // namespace fcn_edge::app
