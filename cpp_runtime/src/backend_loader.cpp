#include "backend_loader.hpp"

#include <dlfcn.h>

#include <array>
#include <cstdlib>
#include <utility>
#include <vector>

#include "cache_folder.hpp"
#include "fcn_edge/error.hpp"
#include "fcn_edge/version.hpp"

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

constexpr std::array<const char*, 4> kBackends{"openvino", "libtorch", "tensorrt", "tensorrt_rtx"};

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

std::string file_of(const std::string& backend) { return "libfcn_edge_" + backend + ".so"; }

// Where a backend's shared object lies, in the order in which they are tried.
std::vector<fs::path> places_of(const std::string& backend) {
  std::vector<fs::path> places;
  for (const fs::path& folder : search_folders()) {
    std::error_code error;
    if (fs::exists(folder / file_of(backend), error)) places.push_back(folder / file_of(backend));
  }
  return places;
}

// Backends stay loaded until the process ends: engines keep threads that outlive any one model.
const BackendModule& load(const std::string& name) {
  const std::string file = file_of(name);
  std::string reason = "no " + file + " found";
  for (const fs::path& path : places_of(name)) {
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

std::unique_ptr<Engine> open_engine(EngineRequest& request, const std::string& cache_dir) {
  const std::string backend = backend_for(request.manifest->info.target);
  const BackendModule& module = load(backend);
  request.cache = cache_folder(cache_dir, backend);
  request.stored = stored_folder(cache_dir, backend);
  return module.open(request);
}

std::vector<std::string> engine_versions() {
  std::vector<std::string> versions;
  for (const char* backend : kBackends) {
    if (places_of(backend).empty()) continue;
    try {
      versions.push_back(load(backend).version());
    } catch (const Error& error) {
      versions.emplace_back(error.what());
    }
  }
  return versions;
}

}  // namespace fcn_edge
