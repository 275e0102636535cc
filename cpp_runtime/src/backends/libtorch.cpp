// The LibTorch backend: TorchScript modules and AOTInductor packages on the CPU, float only. Its own shared
// object, found by backend_loader.cpp; libtorch is large, so only boxes that carry it anyway should want
// this.

#include <ATen/Parallel.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/script.h>
#include <torch/version.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine.hpp"
#include "engine_options.hpp"
#include "fcn_edge/error.hpp"

namespace fcn_edge {
namespace {

using Forward = std::function<at::Tensor(const at::Tensor&)>;

// LibTorch's messages carry stack traces; their first line is the reason.
[[noreturn]] void fail(ErrorCode code, const std::string& what, const std::exception& error) {
  const std::string text = error.what();
  throw Error(code, "LibTorch cannot " + what + " (" + text.substr(0, text.find('\n')) + ")");
}

Forward load_torchscript(const std::string& path) {
  auto module = torch::jit::load(path, at::kCPU);
  module.eval();
  return [module](const at::Tensor& frame) mutable { return module.forward({frame}).toTensor(); };
}

Forward load_aoti(const std::string& path) {
  auto package = std::make_shared<torch::inductor::AOTIModelPackageLoader>(path);
  return [package](const at::Tensor& frame) { return package->run({frame}).at(0); };
}

Forward load(const EngineRequest& request) {
  const bool aoti = request.manifest->info.target == "aoti";
  const std::string file = aoti ? "engines/aoti/model.pt2" : "engines/torchscript/model.pt";
  const std::string path = (request.bundle / file).string();
  if (request.manifest->files.count(file) == 0) {
    throw Error(ErrorCode::bundle, request.bundle.string() + " has no " + file, "compile the bundle again");
  }
  try {
    return aoti ? load_aoti(path) : load_torchscript(path);
  } catch (const std::exception& error) {
    fail(ErrorCode::backend, "load " + path, error);
  }
}

std::string engine_version() { return std::string("LibTorch ") + TORCH_VERSION; }

// One slot: LibTorch runs a frame on the calling thread and returns when it is done.
class LibTorchEngine : public Engine {
 public:
  explicit LibTorchEngine(const EngineRequest& request)
      : output_spec_(request.manifest->output),
        height_(request.manifest->info.height),
        width_(request.manifest->info.width),
        input_(torch::empty({1, height_, width_, 3}, torch::kUInt8)) {
    if (request.threads > 0) at::set_num_threads(request.threads);
    forward_ = load(request);
  }

  std::string describe() const override { return engine_version() + " on CPU"; }
  int slots() const override { return 1; }
  std::uint8_t* input(int) override { return input_.data_ptr<std::uint8_t>(); }
  const void* output(int) override { return output_.const_data_ptr(); }

  void start(int) override {
    const c10::InferenceMode no_gradients;
    try {
      output_ = forward_(input_).contiguous();
    } catch (const std::exception& error) {
      fail(ErrorCode::inference, "run the frame", error);
    }
    check_output();
    completed_ = std::chrono::steady_clock::now();
  }

  TimePoint wait(int) override { return completed_; }

 private:
  // The module must give what the manifest promised, or the tail would read past its end.
  void check_output() const {
    const bool mask = output_spec_.tail == Tail::mask;
    const std::vector<std::int64_t> shape =
        mask ? std::vector<std::int64_t>{1, height_, width_}
             : std::vector<std::int64_t>{1, output_spec_.channels, output_spec_.height, output_spec_.width};
    if (output_.sizes() == c10::IntArrayRef(shape) &&
        output_.scalar_type() == (mask ? at::kByte : at::kFloat))
      return;
    throw Error(ErrorCode::bundle, "the module's output is not what the manifest says",
                "compile the bundle again");
  }

  OutputSpec output_spec_;
  std::int64_t height_;
  std::int64_t width_;
  at::Tensor input_;
  at::Tensor output_;
  Forward forward_;
  TimePoint completed_;
};

std::unique_ptr<Engine> open(const EngineRequest& request) {
  check_option_names(request, {});
  return std::make_unique<LibTorchEngine>(request);
}

}  // namespace
}  // namespace fcn_edge

extern "C" __attribute__((visibility("default"))) const fcn_edge::BackendModule* fcn_edge_backend() {
  static const fcn_edge::BackendModule module{fcn_edge::BackendModule::kAbi, "libtorch", &fcn_edge::open,
                                              &fcn_edge::engine_version};
  return &module;
}
