#include "cache_folder.hpp"

#include <unistd.h>

#include <cstdlib>

namespace fcn_edge {
namespace fs = std::filesystem;
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

fs::path base_folder(const std::string& chosen) {
  if (!chosen.empty()) return chosen;
  if (const std::string own = variable("FCN_EDGE_CACHE"); !own.empty()) return own;
  if (const std::string xdg = variable("XDG_CACHE_HOME"); !xdg.empty()) return fs::path(xdg) / "fcn-edge";
  if (const std::string home = variable("HOME"); !home.empty()) return fs::path(home) / ".cache" / "fcn-edge";
  return {};
}

}  // namespace

fs::path cache_folder(const std::string& chosen, const std::string& engine) {
  const fs::path base = base_folder(chosen);
  if (base.empty()) return {};
  fs::path folder = base / engine;
  std::error_code error;
  fs::create_directories(folder, error);
  return error || access(folder.c_str(), W_OK) != 0 ? fs::path() : folder;
}

}  // namespace fcn_edge
