#pragma once

#include <NvInfer.h>

#include <mutex>
#include <string>

namespace fcn_edge::nvidia {

#ifdef TRT_MAJOR_RTX
constexpr const char* kEngineName = "tensorrt-rtx";  ///< as in bundles
constexpr const char* kModuleName = "tensorrt_rtx";  ///< as in file names
constexpr const char* kTitle = "TensorRT-RTX";
#else
constexpr const char* kEngineName = "tensorrt";
constexpr const char* kModuleName = "tensorrt";
constexpr const char* kTitle = "TensorRT";
#endif

/// Keeps the last complaint of the library; prints nothing. One a process, because TensorRT keeps the first
/// logger it is given for good.
class Logger : public nvinfer1::ILogger {
 public:
  void log(Severity severity, const char* text) noexcept override;

  /// The last error since the previous call, in one line.
  std::string take_complaint();

  static Logger& instance();

 private:
  std::mutex mutex_;
  std::string complaint_;
};

/// Version of the library that is loaded, "10.3.0". An engine belongs to it.
std::string library_version();

/// Throw Error(backend) when the loaded library is not of the major version of the headers this was built
/// with: calling it would crash.
void check_library_version();

}  // namespace fcn_edge::nvidia
