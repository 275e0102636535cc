#pragma once

#include <string>

namespace fcn_edge::app {

/// What the tables of functions begin with that shared objects beside the program hand out.
struct ModuleTable {
  const char* version;  ///< of fcn-edge; must be the program's own
};

/// The table that the function `entry` of libfcn_edge_NAME.so returns, or null and the reason. The shared
/// object stays loaded: FFmpeg and Qt keep threads.
const ModuleTable* find_module(const std::string& name, const std::string& entry, std::string& reason);

/// Likewise, but throws Error(backend) when the shared object is missing or of another version.
const ModuleTable& load_module(const std::string& name, const std::string& entry);

}  // namespace fcn_edge::app
