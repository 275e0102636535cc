#include "tensorrt_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include "cache_folder.hpp"
#include "fcn_edge/error.hpp"
#include "sha256.hpp"

namespace fcn_edge::nvidia {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr std::uintmax_t kMaxEngineBytes = std::uintmax_t{4} << 30;

// nlohmann::json sorts keys, so dump() is the canonical form that Python hashes too.
json to_json(const EngineKey& key) {
  return {{"device", key.device},
          {"engine", key.engine},
          {"model_sha256", key.model_sha256},
          {"options", key.options},
          {"version", key.version}};
}

bool has_options(const json& key, const std::map<std::string, std::string>& wanted) {
  const auto options = key.find("options");
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& option) {
    return options != key.end() && options->is_object() &&
           options->value(option.first, json()) == json(option.second);
  });
}

bool is_for(const std::string& device, const EngineKey& wanted, int sm) {
  if (device == wanted.device) return true;
  const std::string listed = "+" + device + "+";
  return listed.find("+sm" + std::to_string(sm) + "+") != std::string::npos;
}

// Anything unreadable is simply not an engine: it will be built again.
std::optional<std::string> read_engine(const fs::path& note_file, const EngineKey& wanted, int sm) {
  const json note = json::parse(read_whole(note_file), nullptr, false);
  if (!note.is_object() || !note.contains("key") || !note["key"].is_object()) return std::nullopt;
  const json& key = note["key"];
  const auto text = [](const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (text(key, "model_sha256") != wanted.model_sha256 || text(key, "engine") != wanted.engine ||
      text(key, "version") != wanted.version || !is_for(text(key, "device"), wanted, sm) ||
      !has_options(key, wanted.options)) {
    return std::nullopt;
  }
  std::string plan = read_whole(fs::path(note_file).replace_extension(".engine"));
  if (plan.empty() || sha256(plan) != text(note, "sha256")) return std::nullopt;
  return plan;
}

// A new file beside `path`, under a name that nobody can guess: everybody may read it (the service's user
// runs what root built), its owner alone may write it. The umask can only take from that.
std::pair<int, std::string> open_anew(const fs::path& path) {
  std::random_device random;
  for (;;) {
    std::array<char, 24> ending{};
    std::snprintf(ending.data(), ending.size(), ".%08x%08x", random(), random());
    std::string temporary = path.string() + ending.data();
    const int handle = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (handle >= 0 || errno != EEXIST) return {handle, std::move(temporary)};
  }
}

[[noreturn]] void cannot_write(const fs::path& path, int reason) {
  throw Error(ErrorCode::io,
              "cannot write " + path.string() + " (" + std::generic_category().message(reason) + ")",
              "free some space, or point FCN_EDGE_CACHE at a folder that can be written");
}

}  // namespace

std::string read_whole(const fs::path& path) {
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file || bytes > kMaxEngineBytes) return {};
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_whole(const fs::path& path, const std::string& bytes) {
  const auto [handle, temporary] = open_anew(path);
  if (handle < 0) cannot_write(path, errno);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::write(handle, bytes.data() + done, bytes.size() - done);
    if (wrote < 0) break;
    done += static_cast<std::size_t>(wrote);
  }
  const bool flushed = done == bytes.size() && ::fsync(handle) == 0;
  const int reason = errno;
  ::close(handle);
  if (flushed && ::rename(temporary.c_str(), path.c_str()) == 0) return;
  const int rename_reason = flushed ? errno : reason;
  ::unlink(temporary.c_str());
  cannot_write(path, rename_reason);
}

std::string EngineKey::digest() const { return sha256(to_json(*this).dump()).substr(0, 16); }

std::vector<fs::path> engine_notes(const fs::path& folder) {
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> notes;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".json") notes.emplace_back(entry.last_write_time(error), entry.path());
  }
  std::sort(notes.rbegin(), notes.rend());
  std::vector<fs::path> paths;
  for (const auto& note : notes) paths.push_back(note.second);
  return paths;
}

std::optional<std::string> find_engine(const std::vector<fs::path>& notes, const EngineKey& key, int sm) {
  for (const fs::path& note : notes) {
    if (auto plan = read_engine(note, key, sm)) return plan;
  }
  return std::nullopt;
}

void store_engine(const fs::path& folder, const EngineKey& key, const std::string& plan) {
  make_folders(folder);
  const fs::path path = folder / (key.digest() + ".engine");
  const json note = {{"key", to_json(key)}, {"sha256", sha256(plan)}, {"bytes", plan.size()}};
  write_whole(path, plan);
  write_whole(fs::path(path).replace_extension(".json"), note.dump(2) + "\n");
}

}  // namespace fcn_edge::nvidia
