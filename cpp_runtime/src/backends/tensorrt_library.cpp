#include "tensorrt_library.hpp"

#include <utility>

#include "fcn_edge/error.hpp"

namespace fcn_edge::nvidia {

void Logger::log(Severity severity, const char* text) noexcept {
  if (severity != Severity::kERROR && severity != Severity::kINTERNAL_ERROR) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  try {
    complaint_ = text;
  } catch (...) {
    complaint_.clear();  // out of memory while noting an error: the failed call itself still tells
  }
}

std::string Logger::take_complaint() {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::string text = std::exchange(complaint_, {});
  if (text.empty()) return "it gives no reason";
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

Logger& Logger::instance() {
  static Logger* logger = new Logger;  // never destroyed: TensorRT may log while the process ends
  return *logger;
}

std::string library_version() {
  return std::to_string(getInferLibMajorVersion()) + "." + std::to_string(getInferLibMinorVersion()) + "." +
         std::to_string(getInferLibPatchVersion());
}

void check_library_version() {
  if (getInferLibMajorVersion() == NV_TENSORRT_MAJOR) return;
  throw Error(ErrorCode::backend,
              std::string(kTitle) + " " + library_version() +
                  " is installed, this engine was built for version " + std::to_string(NV_TENSORRT_MAJOR),
              "build fcn-edge again on this machine (see docs/jetson.md)");
}

}  // namespace fcn_edge::nvidia
