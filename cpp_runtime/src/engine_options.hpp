#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "engine.hpp"
#include "fcn_edge/error.hpp"

namespace fcn_edge {

/// Throw Error(misuse) for the first option that is not among `known`, the names of the backend's options.
inline void check_option_names(const EngineRequest& request, const std::vector<std::string>& known) {
  for (const auto& entry : request.options) {
    if (std::find(known.begin(), known.end(), entry.first) != known.end()) continue;
    std::string valid;
    for (const std::string& name : known) valid += (valid.empty() ? "valid: " : ", ") + name;
    throw Error(ErrorCode::misuse,
                "engine option '" + entry.first + "' does not exist for " + request.manifest->info.target,
                valid.empty() ? "this engine has none" : valid);
  }
}

}  // namespace fcn_edge
