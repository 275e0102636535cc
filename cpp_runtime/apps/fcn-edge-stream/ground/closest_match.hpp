#pragma once

#include <string>
#include <vector>

namespace fcn_edge::app {

/// The candidate nearest to `word` by edit distance, or empty when none is near enough to be meant.
std::string closest_match(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace fcn_edge::app
