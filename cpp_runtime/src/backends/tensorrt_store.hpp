#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fcn_edge::nvidia {

/// What an engine was made from and for; fcn_edge/backends/nvidia_key.py writes the same files.
struct EngineKey {
  std::string model_sha256;
  std::string engine;   ///< "tensorrt" or "tensorrt-rtx"
  std::string version;  ///< of the library, "10.3.0"
  std::string device;   ///< "Orin, sm87"; or, built ahead of time, "sm80+sm86"
  std::map<std::string, std::string> options;

  /// 16 hex digits that name the engine's files.
  std::string digest() const;
};

/// The notes (NAME.json beside NAME.engine) in a folder, the newest first; empty when there is no such
/// folder.
std::vector<std::filesystem::path> engine_notes(const std::filesystem::path& folder);

/// The bytes of the first stored engine that fits `key` and a GPU of compute capability `sm`. Of the options
/// those in `key` count: any engine of this model, library and device gives the same masks. None when there
/// is no such engine, or its file does not match the SHA-256 in its note.
std::optional<std::string> find_engine(const std::vector<std::filesystem::path>& notes, const EngineKey& key,
                                       int sm);

/// Write engine and key into `folder`, each file whole or not at all. Throws Error(io).
void store_engine(const std::filesystem::path& folder, const EngineKey& key, const std::string& plan);

/// The bytes of a file; empty when it cannot be read or is too large for anything stored here.
std::string read_whole(const std::filesystem::path& path);

/// Write a file through a temporary one beside it, flushed and renamed: a killed process leaves no half file.
/// Throws Error(io).
void write_whole(const std::filesystem::path& path, const std::string& bytes);

}  // namespace fcn_edge::nvidia
