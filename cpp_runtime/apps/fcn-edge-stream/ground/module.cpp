#include "ground/module.hpp"

#include <dlfcn.h>
#include <sys/auxv.h>

#include <cstdlib>
#include <cstring>
#include <fcn_edge/error.hpp>
#include <fcn_edge/version.hpp>
#include <filesystem>
#include <vector>

namespace fcn_edge::app {
namespace fs = std::filesystem;
namespace {

// Without /proc, the program as it was called.
fs::path program() {
  std::error_code error;
  fs::path found = fs::read_symlink("/proc/self/exe", error);
  if (!error) return found;
  const auto* called = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  return called == nullptr ? fs::path() : fs::absolute(called, error);
}

// Beside the program in a build tree, beside the engines in an installation.
std::vector<fs::path> search_folders() {
  const fs::path here = program().parent_path();
  std::vector<fs::path> folders{here, here / FCN_EDGE_MODULES_FROM_PROGRAM};
  if (const char* chosen = std::getenv("FCN_EDGE_BACKENDS")) folders.insert(folders.begin(), chosen);
  return folders;
}

}  // namespace

const ModuleTable* find_module(const std::string& name, const std::string& entry, std::string& reason) {
  const std::string file = "libfcn_edge_" + name + ".so";
  reason = "no " + file + " found";
  for (const fs::path& folder : search_folders()) {
    const fs::path path = folder / file;
    std::error_code error;
    if (!fs::exists(path, error)) continue;
    void* handle = dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
    if (handle == nullptr) {
      reason = dlerror();
      continue;
    }
    using Entry = const ModuleTable* (*)();
    auto* table_of = reinterpret_cast<Entry>(dlsym(handle, entry.c_str()));
    if (table_of != nullptr && std::strcmp(table_of()->version, version()) == 0) return table_of();
    reason = path.string() + " belongs to another version of fcn-edge";
  }
  return nullptr;
}

const ModuleTable& load_module(const std::string& name, const std::string& entry) {
  std::string reason;
  if (const ModuleTable* table = find_module(name, entry, reason)) return *table;
  throw Error(ErrorCode::backend, "cannot load the " + name + " functions: " + reason,
              "install fcn-edge again, with libfcn_edge_" + name + ".so beside its engines");
}

}  // namespace fcn_edge::app
