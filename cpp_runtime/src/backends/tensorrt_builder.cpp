#include "tensorrt_builder.hpp"

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <fstream>
#include <iterator>
#include <memory>

#include "fcn_edge/error.hpp"
#include "tensorrt_library.hpp"

namespace fcn_edge::nvidia {
namespace fs = std::filesystem;
namespace {

constexpr int kLevel = 3;  // TensorRT's own default

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
  std::ifstream file(model, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto parser = made(nvonnxparser::createParser(network, Logger::instance()), "create its ONNX parser");
  if (parser->parse(bytes.data(), bytes.size(), model.c_str())) return;
  const std::string reason = parser->getNbErrors() > 0 ? parser->getError(0)->desc() : "it gives no reason";
  fail("read " + model.string(), reason);
}

}  // namespace

std::map<std::string, std::string> build_options() {
  return {{"level", std::to_string(kLevel)}, {"workspace_mb", "all"}};
}

std::string build_engine(const fs::path& model, const Progress& progress) {
  PhaseNotes notes(progress);  // outlives the config that refers to it
  const auto builder = made(nvinfer1::createInferBuilder(Logger::instance()), "create a builder");
  const auto network = made(builder->createNetworkV2(kNetworkFlags), "create a network");
  parse(*network, model);
  const auto config = made(builder->createBuilderConfig(), "create a builder config");
#ifndef TRT_MAJOR_RTX
  config->setBuilderOptimizationLevel(kLevel);
#endif
  config->setProgressMonitor(&notes);
  const auto plan = made(builder->buildSerializedNetwork(*network, *config), "build the engine");
  return {static_cast<const char*>(plan->data()), plan->size()};
}

}  // namespace fcn_edge::nvidia
