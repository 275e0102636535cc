#pragma once

#include <string>
#include <vector>

namespace fcn_edge::app {

/// Parse "0,1" or "0,2-5" into CPU numbers, ascending. Throws Error(misuse), also for CPUs that this process
/// may not use.
std::vector<int> parse_cpus(const std::string& text);

/// Bind this thread, and those it will make, to `cpus`; does nothing when there are none.
void use_cpus(const std::vector<int>& cpus);

}  // namespace fcn_edge::app
