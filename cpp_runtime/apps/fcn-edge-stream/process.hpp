#pragma once

#include <cstdint>

namespace fcn_edge::app {

/// After this, SIGINT and SIGTERM set a flag instead of ending the process; a second one ends it at once.
void watch_signals();
bool stop_requested();

/// Seconds since this process was started by the kernel (10 ms resolution).
double seconds_since_start();

/// Largest resident memory so far, in MB (10^6 bytes).
double peak_memory_mb();

}  // namespace fcn_edge::app
