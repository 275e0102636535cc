#include "cache_folder.hpp"

#include <sys/stat.h>
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

// Engines are code: whatever the umask, the owner alone may write where they lie.
void make_folders(const fs::path& folder) {
  std::error_code error;
  if (folder.empty() || fs::is_directory(folder, error)) return;
  make_folders(folder.parent_path());
  ::mkdir(folder.c_str(), 0755);
}

fs::path stored_folder(const std::string& chosen, const std::string& engine) {
  const fs::path base = base_folder(chosen);
  return base.empty() ? fs::path() : base / engine;
}

fs::path cache_folder(const std::string& chosen, const std::string& engine) {
  const fs::path folder = stored_folder(chosen, engine);
  make_folders(folder);
  return folder.empty() || access(folder.c_str(), W_OK) != 0 ? fs::path() : folder;
}

}  // namespace fcn_edge
