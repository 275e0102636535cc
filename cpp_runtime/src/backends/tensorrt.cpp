// The TensorRT backend, one source for TensorRT 10.3 to 11 and TensorRT-RTX: its own shared object, found by
// backend_loader.cpp. The engine comes from the bundle or the cache where one fits this GPU and this library,
// else it is built here from model.onnx.

#include <NvInfer.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine.hpp"
#include "fcn_edge/error.hpp"
#include "tensorrt_builder.hpp"
#include "tensorrt_cuda.hpp"
#include "tensorrt_library.hpp"
#include "tensorrt_options.hpp"
#include "tensorrt_store.hpp"

namespace fcn_edge {
namespace nvidia {
namespace {

constexpr int kSlots = 2;  // one frame in the GPU while the next is copied

std::size_t extent(int n) { return static_cast<std::size_t>(n); }

void note(const EngineRequest& request, const std::string& text) {
  if (request.progress) request.progress(text);
}

// Engines of the bundle, as far as its manifest vouches for them: a file that is merely there is not looked
// at.
std::vector<std::filesystem::path> bundled_notes(const EngineRequest& request) {
  const std::string folder = std::string("engines/") + kEngineName + "/";
  std::vector<std::filesystem::path> notes;
  for (const auto& [name, entry] : request.manifest->files) {
    const std::filesystem::path path = request.bundle / name;
    if (name.rfind(folder, 0) == 0 && path.extension() == ".json") notes.push_back(path);
  }
  return notes;
}

// What a tensor of the engine must be, from the manifest.
struct TensorSpec {
  nvinfer1::TensorIOMode mode;
  nvinfer1::DataType type;
  std::vector<std::int64_t> shape;

  std::size_t bytes() const {
    std::size_t count = type == nvinfer1::DataType::kFLOAT ? sizeof(float) : 1;
    for (const std::int64_t n : shape) count *= static_cast<std::size_t>(n);
    return count;
  }
};

TensorSpec input_spec(const Manifest& manifest) {
  return {nvinfer1::TensorIOMode::kINPUT,
          nvinfer1::DataType::kUINT8,
          {1, manifest.info.height, manifest.info.width, 3}};
}

TensorSpec output_spec(const Manifest& manifest) {
  const OutputSpec& out = manifest.output;
  if (out.tail == Tail::mask) {
    return {nvinfer1::TensorIOMode::kOUTPUT,
            nvinfer1::DataType::kUINT8,
            {1, manifest.info.height, manifest.info.width}};
  }
  return {
      nvinfer1::TensorIOMode::kOUTPUT, nvinfer1::DataType::kFLOAT, {1, out.channels, out.height, out.width}};
}

bool matches(const nvinfer1::ICudaEngine& engine, const char* name, const TensorSpec& spec) {
  const nvinfer1::Dims dims = engine.getTensorShape(name);
  if (engine.getTensorDataType(name) != spec.type || dims.nbDims != static_cast<int>(spec.shape.size()))
    return false;
  for (int i = 0; i < dims.nbDims; ++i) {
    if (dims.d[i] != spec.shape[extent(i)]) return false;
  }
  return true;
}

// The name of the engine's only tensor of a direction. Every pointer given to the engine relies on this
// check.
std::string find_tensor(const nvinfer1::ICudaEngine& engine, const TensorSpec& spec) {
  std::string found;
  for (int i = 0; i < engine.getNbIOTensors(); ++i) {
    const char* name = engine.getIOTensorName(i);
    if (engine.getTensorIOMode(name) != spec.mode) continue;
    if (!found.empty() || !matches(engine, name, spec)) {
      throw Error(ErrorCode::bundle,
                  std::string("the engine's tensor ") + name + " is not what the manifest says",
                  "compile the bundle again");
    }
    found = name;
  }
  if (found.empty())
    throw Error(ErrorCode::bundle, "the engine lacks its frame or its mask", "compile the bundle again");
  return found;
}

std::string engine_version() { return std::string(kTitle) + " " + library_version(); }

class TensorRtEngine : public Engine {
 public:
  TensorRtEngine(const EngineRequest& request, Device device)
      : device_(std::move(device)), options_(parse_options(request)) {
    runtime_.reset(nvinfer1::createInferRuntime(Logger::instance()));
    if (!runtime_) fail(ErrorCode::backend, "start");
    load(request);
    const TensorSpec in = input_spec(*request.manifest);
    const TensorSpec out = output_spec(*request.manifest);
    input_name_ = find_tensor(*engine_, in);
    output_name_ = find_tensor(*engine_, out);
    const int slots = request.slots > 0 ? request.slots : kSlots;
    for (int i = 0; i < slots; ++i) lanes_.push_back(open_lane(in.bytes(), out.bytes()));
    if (options_.cuda_graph) record_graphs(request);
  }

  ~TensorRtEngine() override {
    for (const auto& lane : lanes_) cudaStreamSynchronize(lane->stream.get());
  }

  std::string describe() const override {
    return engine_version() + " on " + device_.name + " (sm" + std::to_string(device_.sm) + ")" +
           (lanes_.front()->graph ? ", CUDA graph" : "");
  }

  int slots() const override { return static_cast<int>(lanes_.size()); }
  std::uint8_t* input(int slot) override { return static_cast<std::uint8_t*>(lane(slot).input.host()); }
  const void* output(int slot) override { return lane(slot).output.host(); }

  void start(int slot) override {
    Lane& lane = this->lane(slot);
    if (lane.graph) {
      lane.graph->launch(lane.stream.get());
    } else {
      enqueue(lane);
    }
  }

  TimePoint wait(int slot) override {
    check(cudaStreamSynchronize(lane(slot).stream.get()), ErrorCode::inference, "run the frame");
    return lane(slot).completed;
  }

 private:
  struct Lane {
    Lane(std::size_t in, std::size_t out, bool shares_memory)
        : input(in, shares_memory), output(out, shares_memory) {}

    Stream stream;
    SharedTensor input;
    SharedTensor output;
    std::unique_ptr<nvinfer1::IExecutionContext> context;
    std::unique_ptr<Graph> graph;  // of enqueue(), where one was asked for and could be recorded
    TimePoint completed;           // written by CUDA's thread before the stream counts as finished
  };

  static void enqueue(Lane& lane) {
    const cudaStream_t stream = lane.stream.get();
    lane.input.upload(stream);
    if (!lane.context->enqueueV3(stream)) fail(ErrorCode::inference, "run the frame");
    lane.output.download(stream);
    check(cudaLaunchHostFunc(stream, &stamp, &lane), ErrorCode::inference, "queue the end of the frame");
  }

  // TensorRT wants one plain run of a context before it is recorded. An engine that cannot be recorded (some
  // layers wait for the GPU) runs as without a graph.
  void record_graphs(const EngineRequest& request) {
    try {
      for (const auto& lane : lanes_) {
        enqueue(*lane);
        check(cudaStreamSynchronize(lane->stream.get()), ErrorCode::inference, "run the frame");
        lane->graph = std::make_unique<Graph>(lane->stream.get(), [&lane] { enqueue(*lane); });
      }
    } catch (const Error& error) {
      for (const auto& lane : lanes_) lane->graph.reset();
      note(request, std::string("no CUDA graph: ") + error.what());
    }
  }

  // The clock is read when the GPU is done: a finished frame may wait here for its turn.
  static void CUDART_CB stamp(void* lane) {
    static_cast<Lane*>(lane)->completed = std::chrono::steady_clock::now();
  }

  [[noreturn]] static void fail(ErrorCode code, const std::string& what) {
    throw Error(code,
                std::string(kTitle) + " cannot " + what + " (" + Logger::instance().take_complaint() + ")");
  }

  // A stored engine that the library refuses (another build of the same version) is built again, once.
  void load(const EngineRequest& request) {
    EngineKey key{request.manifest->files.at("model.onnx").sha256, kEngineName, library_version(),
                  device_.text(), asked_for(request, options_)};
    if (!request.rebuild) {
      auto stored = find_engine(bundled_notes(request), key, device_.sm);
      if (!stored) stored = find_engine(engine_notes(request.stored), key, device_.sm);
      if (stored) engine_.reset(runtime_->deserializeCudaEngine(stored->data(), stored->size()));
      if (engine_) return;
      if (stored) note(request, "the stored engine is refused (" + Logger::instance().take_complaint() + ")");
    }
    key.options = options_.key();
    const std::string plan = build(request, key);
    engine_.reset(runtime_->deserializeCudaEngine(plan.data(), plan.size()));
    if (!engine_) fail(ErrorCode::backend, "load the engine it just built");
  }

  std::string build(const EngineRequest& request, const EngineKey& key) {
    note(request,
         std::string("building the ") + kTitle + " engine for " + device_.name + ", this takes minutes");
    std::string plan =
        build_engine(request.bundle / "model.onnx", options_, timings_file(request), request.progress);
    if (request.cache.empty()) {
      note(request, "no cache folder can be written: the engine will be built again at the next start");
    } else {
      store_engine(request.cache, key, plan);
    }
    return plan;
  }

  // The same file as fcn_edge/backends/tensorrt.py: both builders learn from it.
  std::filesystem::path timings_file(const EngineRequest& request) const {
    if (request.cache.empty()) return {};
    return request.cache / ("timing-" + library_version() + "-sm" + std::to_string(device_.sm) + ".cache");
  }

  std::unique_ptr<Lane> open_lane(std::size_t in, std::size_t out) {
    auto lane = std::make_unique<Lane>(in, out, device_.shares_memory);
    lane->context.reset(engine_->createExecutionContext());
    if (!lane->context || !lane->context->setTensorAddress(input_name_.c_str(), lane->input.device()) ||
        !lane->context->setTensorAddress(output_name_.c_str(), lane->output.device())) {
      fail(ErrorCode::backend, "prepare the engine");
    }
    return lane;
  }

  Lane& lane(int slot) { return *lanes_[extent(slot)]; }

  Device device_;
  EngineOptions options_;
  std::string input_name_;
  std::string output_name_;
  std::unique_ptr<nvinfer1::IRuntime> runtime_;  // must outlive the engine, and that its contexts
  std::unique_ptr<nvinfer1::ICudaEngine> engine_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

std::unique_ptr<Engine> open(const EngineRequest& request) {
  Device device = open_device();
  check_library_version();
  return std::make_unique<TensorRtEngine>(request, std::move(device));
}

}  // namespace
}  // namespace nvidia
}  // namespace fcn_edge

extern "C" __attribute__((visibility("default"))) const fcn_edge::BackendModule* fcn_edge_backend() {
  static const fcn_edge::BackendModule module{fcn_edge::BackendModule::kAbi, fcn_edge::nvidia::kModuleName,
                                              &fcn_edge::nvidia::open, &fcn_edge::nvidia::engine_version};
  return &module;
}
