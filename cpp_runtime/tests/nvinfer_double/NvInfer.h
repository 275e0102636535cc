#pragma once

// Stand-in, see README.md. An engine file is the text "double HEIGHT WIDTH OUTPUT_TYPE".

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#define NV_TENSORRT_MAJOR 10

extern "C" std::int32_t getInferLibMajorVersion() noexcept;
extern "C" std::int32_t getInferLibMinorVersion() noexcept;
extern "C" std::int32_t getInferLibPatchVersion() noexcept;

namespace nvinfer1 {

enum class TensorIOMode { kNONE, kINPUT, kOUTPUT };
enum class DataType { kFLOAT, kUINT8 };
enum class NetworkDefinitionCreationFlag { kEXPLICIT_BATCH = 0, kSTRONGLY_TYPED = 1 };

struct Dims {
  std::int32_t nbDims;
  std::int64_t d[8];
};

class ILogger {
 public:
  enum class Severity { kINTERNAL_ERROR, kERROR, kWARNING, kINFO, kVERBOSE };
  virtual void log(Severity severity, const char* text) noexcept = 0;
  virtual ~ILogger() = default;
};

class IProgressMonitor {
 public:
  virtual ~IProgressMonitor() = default;
  virtual void phaseStart(const char* phase, const char* parent, std::int32_t steps) noexcept = 0;
  virtual bool stepComplete(const char* phase, std::int32_t step) noexcept = 0;
  virtual void phaseFinish(const char* phase) noexcept = 0;
};

class IExecutionContext {
 public:
  IExecutionContext(int height, int width) : height_(height), width_(width) {}
  bool setTensorAddress(const char* name, void* address) noexcept;
  bool enqueueV3(cudaStream_t stream) noexcept;

 private:
  int height_, width_;
  bool has_run_ = false;  // wanted before it is recorded
  std::map<std::string, void*> addresses_;
};

class ICudaEngine {
 public:
  ICudaEngine(int height, int width, DataType output) : height_(height), width_(width), output_(output) {}
  std::int32_t getNbIOTensors() const noexcept { return 2; }
  const char* getIOTensorName(std::int32_t index) const noexcept { return index == 0 ? "frame" : "mask"; }
  TensorIOMode getTensorIOMode(const char* name) const noexcept;
  DataType getTensorDataType(const char* name) const noexcept;
  Dims getTensorShape(const char* name) const noexcept;
  IExecutionContext* createExecutionContext() noexcept { return new IExecutionContext(height_, width_); }

 private:
  int height_, width_;
  DataType output_;
};

class IRuntime {
 public:
  explicit IRuntime(ILogger& logger) : logger_(logger) {}
  ICudaEngine* deserializeCudaEngine(const void* bytes, std::size_t size) noexcept;

 private:
  ILogger& logger_;
};

class IHostMemory {
 public:
  explicit IHostMemory(std::string bytes) : bytes_(std::move(bytes)) {}
  void* data() noexcept { return bytes_.data(); }
  std::size_t size() const noexcept { return bytes_.size(); }

 private:
  std::string bytes_;
};

class INetworkDefinition {
 public:
  int height = 0, width = 0;  // set by the parser
};

enum class MemoryPoolType { kWORKSPACE };

class ITimingCache {
 public:
  explicit ITimingCache(std::string bytes) : bytes_(std::move(bytes)) {}
  IHostMemory* serialize() const noexcept { return new IHostMemory("timings"); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class IBuilderConfig {
 public:
  void setBuilderOptimizationLevel(std::int32_t level) noexcept;
  void setMemoryPoolLimit(MemoryPoolType pool, std::size_t bytes) noexcept;
  ITimingCache* createTimingCache(const void* bytes, std::size_t size) const noexcept;
  bool setTimingCache(const ITimingCache& cache, bool ignore_mismatch) noexcept;
  void setProgressMonitor(IProgressMonitor* monitor) noexcept { monitor_ = monitor; }
  IProgressMonitor* monitor() const { return monitor_; }

 private:
  IProgressMonitor* monitor_ = nullptr;
};

class IBuilder {
 public:
  explicit IBuilder(ILogger& logger) : logger_(logger) {}
  INetworkDefinition* createNetworkV2(std::uint32_t flags) noexcept;
  IBuilderConfig* createBuilderConfig() noexcept { return new IBuilderConfig; }
  IHostMemory* buildSerializedNetwork(INetworkDefinition& network, IBuilderConfig& config) noexcept;

 private:
  ILogger& logger_;
};

inline IRuntime* createInferRuntime(ILogger& logger) noexcept { return new IRuntime(logger); }
inline IBuilder* createInferBuilder(ILogger& logger) noexcept { return new IBuilder(logger); }

}  // namespace nvinfer1
