#include "report/device.hpp"

#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

namespace fcn_edge::app {
namespace {

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (!line.empty() && line.back() == '\0') line.pop_back();
  return line;
}

// x86 kernels name the CPU in /proc/cpuinfo; ARM boards name themselves in the device tree.
std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  const std::string board = first_line("/proc/device-tree/model");
  return board.empty() ? "unknown" : board;
}

}  // namespace

nlohmann::json describe_device() {
  utsname system{};
  uname(&system);
  struct sysinfo memory {};
  sysinfo(&memory);
  nlohmann::json device;
  device["cpu"] = cpu_name();
  device["cores"] = std::thread::hardware_concurrency();
  device["arch"] = system.machine;
  device["kernel"] = std::string(system.sysname) + " " + system.release;
  device["memory_mb"] = std::floor(static_cast<double>(memory.totalram) * memory.mem_unit / 1e6);
  const std::string governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  device["governor"] = governor.empty() ? nlohmann::json(nullptr) : nlohmann::json(governor);
  return device;
}

double load_per_core() {
  double load = 0;
  if (getloadavg(&load, 1) != 1) return 0;
  return load / std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace fcn_edge::app
