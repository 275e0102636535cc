#include "backend_loader.hpp"

#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include "cache_folder.hpp"
#include "fcn_edge/error.hpp"

namespace fcn_edge {
namespace fs = std::filesystem;
namespace {

// Which backend serves which bundle target. model.onnx of a portable bundle runs on OpenVINO.
constexpr std::array<std::pair<const char*, const char*>, 8> kTargets{{
    {"openvino", "openvino"},
    {"onnxruntime", "openvino"},
    {"onnx", "openvino"},
    {"tensorrt", "tensorrt"},
    {"tensorrt-rtx", "tensorrt_rtx"},
    {"torch-tensorrt", "libtorch"},
    {"torchscript", "libtorch"},
    {"aoti", "libtorch"},
}};

std::string backend_for(const std::string& target) {
  std::string valid;
  for (const auto& [name, backend] : kTargets) {
    if (target == name) return backend;
    valid += (valid.empty() ? "" : ", ") + std::string(name);
  }
  throw Error(ErrorCode::backend, "no engine is known for bundles of target '" + target + "'",
              "known targets: " + valid);
}

fs::path own_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&open_engine), &info) == 0 || info.dli_fname == nullptr) return ".";
  std::error_code error;
  const fs::path here = fs::canonical(info.dli_fname, error);
  return error ? fs::path(".") : here.parent_path();
}

std::vector<fs::path> search_folders() {
  if (const char* chosen = std::getenv("FCN_EDGE_BACKENDS")) return {chosen};
  const fs::path here = own_folder();
  return {here, here / "fcn_edge", here.parent_path()};
}

// LibTorch brings a fast BLAS of its own, but by default its calls would land in the reference BLAS that
// OpenCV has already loaded: ten times slower. RTLD_DEEPBIND lets it find its own first; sanitizers forbid
// the flag.
int load_flags([[maybe_unused]] const std::string& name) {
  int flags = RTLD_NOW | RTLD_LOCAL;
#ifndef FCN_EDGE_SANITIZED
  if (name == "libtorch") flags |= RTLD_DEEPBIND;
#endif
  return flags;
}

// Backends stay loaded until the process ends: engines keep threads that outlive any one model.
const BackendModule& load(const std::string& name) {
  const std::string file = "libfcn_edge_" + name + ".so";
  std::string reason = "no " + file + " found";
  for (const fs::path& folder : search_folders()) {
    const fs::path path = folder / file;
    std::error_code error;
    if (!fs::exists(path, error)) continue;
    void* handle = dlopen(path.c_str(), load_flags(name));
    if (handle == nullptr) {
      reason = dlerror();
      continue;
    }
    using Entry = const BackendModule* (*)();
    auto* entry = reinterpret_cast<Entry>(dlsym(handle, "fcn_edge_backend"));
    if (entry != nullptr && entry()->abi == BackendModule::kAbi) return *entry();
    reason = path.string() + " belongs to another version of fcn-edge";
  }
  throw Error(ErrorCode::backend, "cannot load the " + name + " engine: " + reason,
              "build it, or point FCN_EDGE_BACKENDS at the folder that holds " + file);
}

}  // namespace

std::unique_ptr<Engine> open_engine(EngineRequest request, const std::string& cache_dir) {
  const std::string backend = backend_for(request.manifest->info.target);
  const BackendModule& module = load(backend);
  request.cache = cache_folder(cache_dir, backend);
  return module.open(request);
}

}  // namespace fcn_edge
