#pragma once

#include <map>
#include <string>

#include "engine.hpp"

namespace fcn_edge::nvidia {

/// What a user may choose, by the names that fcn_edge/backends/tensorrt.py has too.
struct EngineOptions {
  int level = 3;            ///< how long the builder searches: 0 (fast build) to 5; 3 is TensorRT's default
  int workspace_mb = 0;     ///< scratch memory the builder may plan with; 0: all there is
  bool cuda_graph = false;  ///< launch a frame's kernels as one recorded graph

  /// Those that change the engine, as its key holds them.
  std::map<std::string, std::string> key() const;
};

/// Options of a request. Throws Error(misuse) for an unknown one and for a number out of range.
EngineOptions parse_options(const EngineRequest& request);

/// Of `options`, those that the request names: a stored engine has to have been built with them.
std::map<std::string, std::string> asked_for(const EngineRequest& request, const EngineOptions& options);

}  // namespace fcn_edge::nvidia
