#pragma once

#include "options.hpp"

namespace fcn_edge::app {

/// Refuse what would destroy something before any work is done: an output that is a source, lies in the
/// bundle, or is another output; and names that no video is written to. Files are compared as such, through
/// links and hard links. Throws Error(misuse).
void check_outputs(const StreamOptions& options);

}  // namespace fcn_edge::app
