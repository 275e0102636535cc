#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace fcn_edge::nvidia {

using Progress = std::function<void(const std::string&)>;

/// What the builder is set to, as it enters the engine's key. The defaults of fcn-edge build-engine.
std::map<std::string, std::string> build_options();

/// Build the engine of an ONNX file for this machine's GPU and return its bytes. Takes seconds to many
/// minutes; `progress` (may be empty) gets one line a phase. Throws Error(backend).
std::string build_engine(const std::filesystem::path& model, const Progress& progress);

}  // namespace fcn_edge::nvidia
