#pragma once

#include <cstdint>

namespace fcn_edge::app {

/// After this, SIGINT and SIGTERM set a flag instead of ending the process; a second one ends it at once.
/// Until begin_work(), while engines and sources are opened, one ends it after 3 s, whatever it hangs in.
void watch_signals();
void begin_work();
/// A signal has come, or the time of stop_after() is over: everything that waits gives up.
bool stop_requested();
void stop_after(double seconds);

/// Seconds since this process was started by the kernel (10 ms resolution).
double seconds_since_start();

double peak_memory_mb();  ///< largest resident memory so far, in MB (10^6 bytes)
double memory_mb();       ///< resident memory now
int open_files();         ///< open file descriptors

/// While one lives and the program is still starting, a signal ends the process at once: some libraries crash
/// when a wait of theirs is interrupted (OpenCV 4.6, opening a GStreamer pipeline).
class Fragile {
 public:
  Fragile();
  ~Fragile();
  Fragile(const Fragile&) = delete;
  Fragile& operator=(const Fragile&) = delete;
};

/// A thread is stuck in a driver: exit_process() must not run destructors that it may be using.
void leave_without_cleanup();
[[noreturn]] void exit_process(int code);

}  // namespace fcn_edge::app
