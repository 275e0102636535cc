#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "tensorrt_options.hpp"

namespace fcn_edge::nvidia {

using Progress = std::function<void(const std::string&)>;

/// Build the engine of an ONNX file for this machine's GPU and return its bytes. Takes seconds to many
/// minutes; `progress` (may be empty) gets one line a phase. `timings` (may be empty) is a file in which the
/// builder's timings of kernels are kept, so that the next build is faster. Throws Error(backend).
std::string build_engine(const std::filesystem::path& model, const EngineOptions& options,
                         const std::filesystem::path& timings, const Progress& progress);

}  // namespace fcn_edge::nvidia
