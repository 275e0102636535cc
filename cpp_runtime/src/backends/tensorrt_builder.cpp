#include "tensorrt_builder.hpp"

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <memory>
#include <system_error>

#include "cache_folder.hpp"
#include "fcn_edge/error.hpp"
#include "tensorrt_library.hpp"
#include "tensorrt_store.hpp"

namespace fcn_edge::nvidia {
namespace fs = std::filesystem;
namespace {

// TensorRT 11 and TensorRT-RTX know strongly typed networks only; TensorRT 10 wants to be told.
#if NV_TENSORRT_MAJOR == 10
constexpr auto kNetworkFlags =
    1U << static_cast<unsigned>(nvinfer1::NetworkDefinitionCreationFlag::kSTRONGLY_TYPED);
#else
constexpr unsigned kNetworkFlags = 0;
#endif

[[noreturn]] void fail(const std::string& what, const std::string& reason) {
  const bool memory = reason.find("emory") != std::string::npos;
  throw Error(ErrorCode::backend, std::string(kTitle) + " cannot " + what + " (" + reason + ")",
              memory ? "close other programs, add swap, or compile for a smaller frame" : "");
}

template <class Object>
std::unique_ptr<Object> made(Object* object, const char* what) {
  if (object == nullptr) fail(what, Logger::instance().take_complaint());
  return std::unique_ptr<Object>(object);
}

// Tells about the outermost phases only; there are hundreds of inner ones.
class PhaseNotes : public nvinfer1::IProgressMonitor {
 public:
  explicit PhaseNotes(const Progress& progress) : progress_(progress) {}

  void phaseStart(const char* phase, const char* parent, int32_t) noexcept override {
    if (parent != nullptr || !progress_) return;
    try {
      progress_(std::string(kTitle) + ": " + phase);
    } catch (...) {
      return;  // a note that cannot be shown must not stop the build
    }
  }
  bool stepComplete(const char*, int32_t) noexcept override { return true; }
  void phaseFinish(const char*) noexcept override {}

 private:
  const Progress& progress_;
};

void parse(nvinfer1::INetworkDefinition& network, const fs::path& model) {
  const std::string bytes = read_whole(model);
  const auto parser = made(nvonnxparser::createParser(network, Logger::instance()), "create its ONNX parser");
  if (parser->parse(bytes.data(), bytes.size(), model.c_str())) return;
  const std::string reason = parser->getNbErrors() > 0 ? parser->getError(0)->desc() : "it gives no reason";
  fail("read " + model.string(), reason);
}

// Timings the library does not take (of another version or GPU, or damaged) are measured anew.
std::unique_ptr<nvinfer1::ITimingCache> use_timings(nvinfer1::IBuilderConfig& config, const fs::path& file) {
  const std::string known = read_whole(file);
  std::unique_ptr<nvinfer1::ITimingCache> timings(config.createTimingCache(known.data(), known.size()));
  if (timings && config.setTimingCache(*timings, false)) return timings;
  timings.reset(config.createTimingCache(nullptr, 0));
  if (timings) config.setTimingCache(*timings, false);
  return timings;
}

// What could not be kept only costs time at the next build.
void keep_timings(const nvinfer1::ITimingCache& timings, const fs::path& file) {
  const std::unique_ptr<nvinfer1::IHostMemory> bytes(timings.serialize());
  if (!bytes) return;
  make_folders(file.parent_path());
  try {
    write_whole(file, {static_cast<const char*>(bytes->data()), bytes->size()});
  } catch (const Error&) {
    return;
  }
}

}  // namespace

std::string build_engine(const fs::path& model, const EngineOptions& options, const fs::path& timings,
                         const Progress& progress) {
  PhaseNotes notes(progress);  // outlives the config that refers to it
  const auto builder = made(nvinfer1::createInferBuilder(Logger::instance()), "create a builder");
  const auto network = made(builder->createNetworkV2(kNetworkFlags), "create a network");
  parse(*network, model);
  const auto config = made(builder->createBuilderConfig(), "create a builder config");
  if (options.workspace_mb > 0) {
    config->setMemoryPoolLimit(nvinfer1::MemoryPoolType::kWORKSPACE,
                               static_cast<std::size_t>(options.workspace_mb) << 20);
  }
  config->setProgressMonitor(&notes);
  config->setBuilderOptimizationLevel(options.level);
  const auto measured = timings.empty() ? nullptr : use_timings(*config, timings);
  const auto plan = made(builder->buildSerializedNetwork(*network, *config), "build the engine");
  if (measured) keep_timings(*measured, timings);
  return {static_cast<const char*>(plan->data()), plan->size()};
}

}  // namespace fcn_edge::nvidia
