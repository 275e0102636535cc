#pragma once

#include <memory>
#include <string>

#include "engine.hpp"

namespace fcn_edge {

/// Load the shared object that serves the manifest's target and open the model with it. Backends are
/// separate objects so that a box without one of the engines still runs the others. They are looked for
/// in $FCN_EDGE_BACKENDS if set, else beside this library and in its fcn_edge/ subfolder.
/// `cache_dir` is the user's choice of cache folder; the backend gets its own folder in it, request.cache,
/// which is set here and stays empty when the folder cannot be written.
std::unique_ptr<Engine> open_engine(EngineRequest& request, const std::string& cache_dir);

}  // namespace fcn_edge
