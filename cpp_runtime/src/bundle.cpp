#include "bundle.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <system_error>

#include "fcn_edge/error.hpp"
#include "sha256.hpp"

namespace fcn_edge {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t kMaxManifestBytes = 4 << 20;

[[noreturn]] void tampered(const fs::path& file, const std::string& what) {
  throw Error(ErrorCode::tampered, file.string() + " " + what, "copy or compile the bundle again");
}

// Symbolic links may stay inside the folder (a deduplicated copy), never lead out of it.
void check_inside(const fs::path& folder, const fs::path& file) {
  std::error_code error;
  const fs::path real = fs::canonical(file, error);
  if (error) tampered(file, "is missing");
  const auto [end, unused] = std::mismatch(folder.begin(), folder.end(), real.begin(), real.end());
  if (end != folder.end()) tampered(file, "leads out of the bundle");
  if (!fs::is_regular_file(real)) tampered(file, "is not a file");
}

void check_file(const fs::path& folder, const std::string& name, const FileEntry& entry) {
  const fs::path file = folder / name;
  check_inside(folder, file);
  const std::uintmax_t bytes = fs::file_size(file);
  if (bytes != entry.bytes) {
    tampered(file,
             "has " + std::to_string(bytes) + " bytes, the manifest says " + std::to_string(entry.bytes));
  }
  if (sha256_file(file) != entry.sha256) tampered(file, "does not match its SHA-256 in the manifest");
}

// What a linked folder holds is not looked at below, and would still be found by whoever asks for an engine.
void check_no_link(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_symlink(folder, error) || !fs::is_directory(folder, error)) return;
  throw Error(ErrorCode::tampered, folder.string() + " is a link to a folder",
              "a bundle holds its own engines: remove the link");
}

// Engines are code: one that the manifest does not vouch for is refused, not passed over.
void check_engines(const fs::path& folder, const Manifest& manifest) {
  std::error_code error;
  constexpr auto kSkip = fs::directory_options::skip_permission_denied;
  check_no_link(folder / "engines");
  for (const auto& entry : fs::recursive_directory_iterator(folder / "engines", kSkip, error)) {
    check_no_link(entry.path());
    const std::string name = entry.path().lexically_relative(folder).generic_string();
    if (entry.is_directory(error) || manifest.files.count(name) != 0) continue;
    throw Error(ErrorCode::tampered, entry.path().string() + " is not in the bundle's manifest",
                "remove it: engines built on this machine belong into the cache (--build-engine)");
  }
}

std::string read_manifest_text(const fs::path& folder) {
  std::string text = read_small_file(folder / "manifest.json", kMaxManifestBytes);
  const std::string digest = read_small_file(folder / "manifest.sha256", 256);
  if (digest.substr(0, 64) != sha256(text)) {
    tampered(folder / "manifest.json", "does not match manifest.sha256");
  }
  return text;
}

}  // namespace

std::string read_small_file(const fs::path& path, std::uintmax_t limit) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) throw Error(ErrorCode::io, "cannot read " + path.string());
  if (bytes > limit) throw Error(ErrorCode::io, path.string() + " is too large to be what its name says");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Bundle open_bundle(const fs::path& folder) {
  constexpr const char* kHint = "give the folder NAME.fcne that fcn-edge compile wrote";
  std::error_code error;
  if (!fs::exists(folder, error)) throw Error(ErrorCode::misuse, "no such bundle: " + folder.string(), kHint);
  if (!fs::is_regular_file(folder / "manifest.json", error)) {
    throw Error(ErrorCode::bundle, folder.string() + " is not a bundle: it has no manifest.json", kHint);
  }
  Bundle bundle;
  bundle.folder = fs::canonical(folder);
  check_inside(bundle.folder, bundle.folder / "manifest.json");
  bundle.manifest = parse_manifest(read_manifest_text(bundle.folder));
  for (const auto& [name, entry] : bundle.manifest.files) check_file(bundle.folder, name, entry);
  check_engines(bundle.folder, bundle.manifest);
  return bundle;
}

}  // namespace fcn_edge
