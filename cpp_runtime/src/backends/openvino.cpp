// The OpenVINO backend: its own shared object, found by backend_loader.cpp.

#include <openvino/openvino.hpp>

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "engine.hpp"
#include "engine_options.hpp"
#include "fcn_edge/error.hpp"

namespace fcn_edge {
namespace {

constexpr const char* kDevice = "CPU";

// OpenVINO's messages span lines and begin with source positions; one line of them is enough.
[[noreturn]] void fail(ErrorCode code, const std::string& what, const std::exception& error) {
  std::string reason = error.what();
  const std::size_t last = reason.find_last_not_of("\n ");
  reason.erase(last == std::string::npos ? 0 : last + 1);
  const std::size_t line = reason.rfind('\n');
  if (line != std::string::npos) reason.erase(0, line + 1);
  throw Error(code, "OpenVINO cannot " + what + " (" + reason + ")");
}

std::string engine_version() {
  const std::string build = ov::get_openvino_version().buildNumber;  // "2026.4.1-22982-..."
  return "OpenVINO " + build.substr(0, build.find('-'));
}

ov::AnyMap compile_options(const EngineRequest& request) {
  const bool throughput = request.schedule == Schedule::throughput;
  ov::AnyMap options{
      ov::hint::performance_mode(throughput ? ov::hint::PerformanceMode::THROUGHPUT
                                            : ov::hint::PerformanceMode::LATENCY),
      // Machines with bf16 or f16 units would otherwise use them for the float layers and change masks.
      ov::hint::inference_precision(ov::element::f32),
  };
  if (request.threads > 0) options.insert(ov::inference_num_threads(request.threads));
  if (!request.cache.empty()) options.insert(ov::cache_dir(request.cache.string()));
  return options;
}

// The graph must be what the manifest promised, or every pointer below would be read wrongly.
void check_port(const ov::Output<const ov::Node>& port, const ov::element::Type& type,
                const ov::Shape& shape) {
  if (port.get_element_type() == type && port.get_partial_shape() == ov::PartialShape(shape)) return;
  throw Error(ErrorCode::bundle,
              "model.onnx has " + port.get_any_name() + " " + port.get_element_type().get_type_name() +
                  port.get_partial_shape().to_string() + ", the manifest says " + type.get_type_name() +
                  ov::PartialShape(shape).to_string(),
              "compile the bundle again");
}

std::size_t extent(int n) { return static_cast<std::size_t>(n); }

void check_graph(const ov::CompiledModel& model, const Manifest& manifest) {
  if (model.inputs().size() != 1 || model.outputs().size() != 1) {
    throw Error(ErrorCode::bundle, "model.onnx does not have one input and one output",
                "compile the bundle again");
  }
  const BundleInfo& info = manifest.info;
  const OutputSpec& out = manifest.output;
  check_port(model.input(), ov::element::u8, {1, extent(info.height), extent(info.width), 3});
  if (out.tail == Tail::mask) {
    check_port(model.output(), ov::element::u8, {1, extent(info.height), extent(info.width)});
  } else {
    check_port(model.output(), ov::element::f32,
               {1, extent(out.channels), extent(out.height), extent(out.width)});
  }
}

class OpenVinoEngine : public Engine {
 public:
  explicit OpenVinoEngine(const EngineRequest& request) {
    model_ = compile(request);
    check_graph(model_, *request.manifest);
    int slots = request.slots;
    if (slots < 1) slots = static_cast<int>(model_.get_property(ov::optimal_number_of_infer_requests));
    lanes_.resize(extent(slots));
    for (Lane& lane : lanes_) open_lane(lane);
  }

  std::string describe() const override { return engine_version() + " on " + kDevice; }

  int slots() const override { return static_cast<int>(lanes_.size()); }
  std::uint8_t* input(int slot) override { return lane(slot).input.data<std::uint8_t>(); }
  const void* output(int slot) override { return lane(slot).output.data(); }

  void start(int slot) override {
    try {
      lane(slot).request.start_async();
    } catch (const std::exception& error) {
      fail(ErrorCode::inference, "start the frame", error);
    }
  }

  TimePoint wait(int slot) override {
    try {
      lane(slot).request.wait();
    } catch (const std::exception& error) {
      fail(ErrorCode::inference, "run the frame", error);
    }
    return lane(slot).completed;
  }

 private:
  struct Lane {
    ov::InferRequest request;
    ov::Tensor input;
    ov::Tensor output;
    TimePoint completed;  // written by the engine's thread before wait() returns
  };

  ov::CompiledModel compile(const EngineRequest& request) {
    const std::string path = (request.bundle / "model.onnx").string();
    try {
      return core_.compile_model(path, kDevice, compile_options(request));
    } catch (const std::exception& error) {
      fail(ErrorCode::backend, "load " + path, error);
    }
  }

  void open_lane(Lane& lane) {
    lane.request = model_.create_infer_request();
    lane.input = lane.request.get_input_tensor();
    lane.output = lane.request.get_output_tensor();
    // The clock is read on the engine's thread: a finished frame may wait here for its turn.
    lane.request.set_callback(
        [&lane](const std::exception_ptr&) { lane.completed = std::chrono::steady_clock::now(); });
  }

  Lane& lane(int slot) { return lanes_[extent(slot)]; }

  ov::Core core_;
  ov::CompiledModel model_;
  std::vector<Lane> lanes_;  // never resized after the constructor: callbacks refer into it
};

// OpenVINO 2026.4 learns of its processors from either of these. Without both it reads on for ever.
void check_processors_are_shown() {
  std::error_code error;
  if (std::filesystem::exists("/sys/devices/system/cpu", error)) return;
  if (std::filesystem::exists("/proc/cpuinfo", error)) return;
  throw Error(ErrorCode::backend, "OpenVINO finds no processors: neither /proc nor /sys is mounted",
              "mount one, for example with mount -t proc proc /proc");
}

std::unique_ptr<Engine> open(const EngineRequest& request) {
  check_option_names(request, {});
  check_processors_are_shown();
  return std::make_unique<OpenVinoEngine>(request);
}

}  // namespace
}  // namespace fcn_edge

extern "C" __attribute__((visibility("default"))) const fcn_edge::BackendModule* fcn_edge_backend() {
  static const fcn_edge::BackendModule module{fcn_edge::BackendModule::kAbi, "openvino", &fcn_edge::open,
                                              &fcn_edge::engine_version};
  return &module;
}
