// Names in a report come from files and cameras: any bytes must give a JSON file that parses and counts
// right.

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "report/report.hpp"
#include "stream/latency.hpp"

namespace {

// The input's next `size` bytes at most.
std::string take(const std::uint8_t*& data, std::size_t& size, std::size_t wanted) {
  const std::size_t count = wanted < size ? wanted : size;
  const std::string bytes(reinterpret_cast<const char*>(data), count);
  data += count;
  size -= count;
  return bytes;
}

std::uint64_t number(const std::string& bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<std::uint8_t>(byte);
  return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fcn_edge::app;
  static const std::string folder =
      std::string(::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") + "/fcn-edge-fuzz-";
  static const std::string path = folder + std::to_string(::getpid()) + ".json";

  Statistics statistics;
  statistics.infer.keep_samples();
  statistics.frames_in = number(take(data, size, 8));
  statistics.frames_out = number(take(data, size, 8));
  statistics.drops.late = number(take(data, size, 4));
  const std::string source = take(data, size, 24);
  const std::vector<Warning> warnings{{take(data, size, 16), take(data, size, 24), take(data, size, 16)}};
  while (size > 0) {
    const auto ns = std::chrono::nanoseconds(static_cast<std::int64_t>(number(take(data, size, 8))));
    statistics.infer.add(ns);
    ++statistics.measured;
  }

  write_report(make_report(statistics, warnings, {{"cpu", source}}, {{"source", source}}, true), path);
  std::ifstream file(path);
  const nlohmann::json back = nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
  const bool same = !back.is_discarded() && back["frames_in"] == statistics.frames_in &&
                    back["drops"]["late"] == statistics.drops.late && back["source"].is_string() &&
                    back["warnings"].size() == 1 && back["samples_ms"]["infer"].size() == statistics.measured;
  ::unlink(path.c_str());
  if (!same) std::abort();
  return 0;
}
