#pragma once

#include <filesystem>
#include <string>

namespace fcn_edge {

/// Folder for one engine's compiled models: CHOSEN, else $FCN_EDGE_CACHE, $XDG_CACHE_HOME/fcn-edge or
/// ~/.cache/fcn-edge, then /ENGINE. Created if need be; empty when it cannot be written (then no cache).
std::filesystem::path cache_folder(const std::string& chosen, const std::string& engine);

/// The same folder whether or not it is there and can be written.
std::filesystem::path stored_folder(const std::string& chosen, const std::string& engine);

/// Make a folder and those above it, 0755 at most. Failures show when something is written there.
void make_folders(const std::filesystem::path& folder);

}  // namespace fcn_edge
