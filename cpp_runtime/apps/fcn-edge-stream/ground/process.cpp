#include "ground/process.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

namespace fcn_edge::app {
namespace {

constexpr unsigned kStartGrace = 3;  // seconds from a signal to the end of a process that is still starting

volatile std::sig_atomic_t g_stop = 0;      // the signal that came
volatile std::sig_atomic_t g_starting = 1;  // nothing is written yet
volatile std::sig_atomic_t g_fragile = 0;   // calls under way that do not survive an interruption
std::atomic<bool> g_no_cleanup{false};
std::atomic<std::chrono::steady_clock::time_point> g_end{std::chrono::steady_clock::time_point::max()};

void on_signal(int signal) {
  if (g_stop != 0 || (g_starting != 0 && g_fragile != 0)) _exit(128 + signal);
  g_stop = signal;
  if (g_starting != 0) alarm(kStartGrace);
}

void on_alarm(int /*signal*/) {
  if (g_starting != 0) _exit(128 + g_stop);
}

// A value of /proc/self/status, in KiB there. Not getrusage(): its high-water mark survives exec, so that a
// large parent would be counted here.
double status_mb(const std::string& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(key, 0) == 0) return std::strtod(line.c_str() + key.size(), nullptr) * 1024 / 1e6;
  }
  return 0;
}

}  // namespace

void watch_signals() {
  struct sigaction action {};
  action.sa_handler = &on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = &on_alarm;
  sigaction(SIGALRM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is an error to report, not a death
  std::signal(SIGXFSZ, SIG_IGN);  // likewise a file size limit
}

void begin_work() { g_starting = 0; }

bool stop_requested() { return g_stop != 0 || std::chrono::steady_clock::now() >= g_end.load(); }

void stop_after(double seconds) {
  using std::chrono::steady_clock;
  const std::chrono::duration<double> longest = std::chrono::hours(24 * 365 * 10);
  const std::chrono::duration<double> wanted = std::min(std::chrono::duration<double>(seconds), longest);
  g_end = steady_clock::now() + std::chrono::duration_cast<steady_clock::duration>(wanted);
}

// /proc/self/stat: the 22nd field, 20th after the command name's closing bracket, is the start in clock
// ticks.
double seconds_since_start() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::size_t bracket = text.rfind(')');
  if (bracket == std::string::npos) return 0;
  std::istringstream fields(text.substr(bracket + 1));
  std::string field;
  for (int i = 0; i < 20; ++i) fields >> field;
  const double started = std::strtod(field.c_str(), nullptr) / static_cast<double>(sysconf(_SC_CLK_TCK));
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9 - started;
}

double peak_memory_mb() { return status_mb("VmHWM:"); }
double memory_mb() { return status_mb("VmRSS:"); }

int open_files() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  return error ? 0 : static_cast<int>(std::distance(begin(files), end(files)));
}

Fragile::Fragile() { g_fragile = g_fragile + 1; }
Fragile::~Fragile() { g_fragile = g_fragile - 1; }

void leave_without_cleanup() { g_no_cleanup = true; }

void exit_process(int code) {
  std::fflush(nullptr);
  if (g_no_cleanup) _exit(code);
  std::exit(code);
}

}  // namespace fcn_edge::app
