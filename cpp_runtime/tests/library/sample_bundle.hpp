#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "scratch_folder.hpp"
#include "sha256.hpp"

namespace fcn_edge::test {

/// A manifest that every check accepts: two classes, 16 x 24 pixels, scores at stride 8.
inline nlohmann::json sample_manifest() {
  return nlohmann::json::parse(R"({
    "magic": "fcn-edge-bundle", "schema": [1, 0], "name": "sample",
    "classes": [{"name": "road", "color": [1, 2, 3]}, {"name": "sky", "color": [4, 5, 6]}],
    "void_id": 255,
    "input": {"name": "frame", "height": 16, "width": 24, "layout": "NHWC", "dtype": "uint8", "color": "BGR",
              "resize": "linear"},
    "output": {"tail": "scores", "name": "scores", "stride": 8, "height": 2, "width": 3, "channels": 2},
    "precision": "int8", "target": "openvino", "files": {},
    "golden": {"frames": [], "min_agreement": 0.995},
    "gate": {"verdict": "pass"}})");
}

/// List a file of the folder in the manifest with its true size and hash.
inline void list_file(nlohmann::json& manifest, const std::filesystem::path& folder,
                      const std::string& name) {
  manifest["files"][name] = {{"sha256", sha256_file(folder / name)},
                             {"bytes", std::filesystem::file_size(folder / name)}};
}

/// Write manifest.json and manifest.sha256.
inline void seal(const nlohmann::json& manifest, const std::filesystem::path& folder) {
  const std::string text = manifest.dump(2) + "\n";
  write_text(folder / "manifest.json", text);
  write_text(folder / "manifest.sha256", sha256(text) + "\n");
}

/// A whole bundle, but for a model that only the stand-in engine accepts.
inline void write_sample_bundle(const std::filesystem::path& folder,
                                nlohmann::json manifest = sample_manifest()) {
  write_text(folder / "model.onnx", "stand-in model");
  list_file(manifest, folder, "model.onnx");
  seal(manifest, folder);
}

}  // namespace fcn_edge::test
