#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <sstream>

#include "world.hpp"

namespace nvinfer_double {

World& world() {
  static World only;
  return only;
}

}  // namespace nvinfer_double

using nvinfer_double::world;

std::int32_t getInferLibMajorVersion() noexcept { return world().library_major; }
std::int32_t getInferLibMinorVersion() noexcept { return 3; }
std::int32_t getInferLibPatchVersion() noexcept { return 0; }

namespace nvinfer1 {

bool IExecutionContext::setTensorAddress(const char* name, void* address) noexcept {
  addresses_[name] = address;
  return true;
}

// mask = (B + 2 G + 3 R) mod 7, pixel by pixel
bool IExecutionContext::enqueueV3(cudaStream_t stream) noexcept {
  if (!world().runs) return false;
  if (nvinfer_double::is_recording(stream) && !(world().records && has_run_)) {
    nvinfer_double::invalidate_recording(stream);
    return false;
  }
  has_run_ = true;
  const auto* frame = static_cast<const std::uint8_t*>(addresses_.at("frame"));
  auto* mask = static_cast<std::uint8_t*>(addresses_.at("mask"));
  nvinfer_double::run_or_record(stream, [frame, mask, size = height_ * width_] {
    for (int i = 0; i < size; ++i) {
      mask[i] = static_cast<std::uint8_t>((frame[3 * i] + 2 * frame[3 * i + 1] + 3 * frame[3 * i + 2]) % 7);
    }
  });
  return true;
}

TensorIOMode ICudaEngine::getTensorIOMode(const char* name) const noexcept {
  return std::string(name) == "frame" ? TensorIOMode::kINPUT : TensorIOMode::kOUTPUT;
}

DataType ICudaEngine::getTensorDataType(const char* name) const noexcept {
  return std::string(name) == "frame" ? DataType::kUINT8 : output_;
}

Dims ICudaEngine::getTensorShape(const char* name) const noexcept {
  if (std::string(name) == "frame") return {4, {1, height_, width_, 3}};
  return {3, {1, height_, width_}};
}

ICudaEngine* IRuntime::deserializeCudaEngine(const void* bytes, std::size_t size) noexcept {
  std::istringstream text(std::string(static_cast<const char*>(bytes), size));
  std::string magic, type;
  int height = 0, width = 0;
  if (!(text >> magic >> height >> width >> type) || magic != "double" || world().refusals-- > 0) {
    logger_.log(ILogger::Severity::kERROR,
                "Serialization assertion stdVersionRead == kSERIALIZATION_VERSION failed.");
    return nullptr;
  }
  return new ICudaEngine(height, width, type == "uint8" ? DataType::kUINT8 : DataType::kFLOAT);
}

INetworkDefinition* IBuilder::createNetworkV2(std::uint32_t flags) noexcept {
  return flags == 2 ? new INetworkDefinition : nullptr;  // TensorRT 10 must be told: strongly typed
}

void IBuilderConfig::setBuilderOptimizationLevel(std::int32_t level) noexcept { world().level = level; }

void IBuilderConfig::setMemoryPoolLimit(MemoryPoolType, std::size_t bytes) noexcept {
  world().workspace = bytes;
}

ITimingCache* IBuilderConfig::createTimingCache(const void* bytes, std::size_t size) const noexcept {
  const std::string text(static_cast<const char*>(bytes), size);
  return text.empty() || text == "timings" ? new ITimingCache(text) : nullptr;  // damaged
}

bool IBuilderConfig::setTimingCache(const ITimingCache& cache, bool) noexcept {
  world().timings = cache.bytes();
  return true;
}

IHostMemory* IBuilder::buildSerializedNetwork(INetworkDefinition& network, IBuilderConfig& config) noexcept {
  config.monitor()->phaseStart("Building Engine", nullptr, 2);
  config.monitor()->phaseStart("Tactic Selection", "Building Engine", 100);
  if (!world().builds) {
    logger_.log(ILogger::Severity::kERROR,
                "Error Code 2: OutOfMemory\n(Requested size was 1073741824 bytes.)");
    return nullptr;
  }
  ++world().engines_built;
  std::ostringstream text;
  text << "double " << network.height << ' ' << network.width << ' ' << world().output_type;
  return new IHostMemory(text.str());
}

}  // namespace nvinfer1

namespace nvonnxparser {

bool IParser::parse(const void* bytes, std::size_t size, const char*) noexcept {
  std::istringstream text(std::string(static_cast<const char*>(bytes), size));
  return world().parses && text >> network_.height >> network_.width;
}

}  // namespace nvonnxparser
