#pragma once

#include <png.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

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
    "golden": {"frames": [{"frame": "golden/0.png", "mask": "golden/0.mask.png"}], "min_agreement": 0.995},
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

/// Write packed rows of one byte or of B,G,R a pixel.
inline void write_png(const std::filesystem::path& path, int width, int height,
                      const std::vector<std::uint8_t>& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  const bool colour = pixels.size() != static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  image.format = colour ? PNG_FORMAT_BGR : PNG_FORMAT_GRAY;
  std::filesystem::create_directories(path.parent_path());
  png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr);
}

/// A whole bundle, but for a model that only the stand-in engine accepts. Its golden frame is blue, which is
/// class 0 to that engine; the first `wrong` pixels of the golden mask have class 1.
inline void write_sample_bundle(const std::filesystem::path& folder,
                                nlohmann::json manifest = sample_manifest(), std::size_t wrong = 0) {
  write_text(folder / "model.onnx", "stand-in model");
  std::vector<std::uint8_t> frame;
  for (int i = 0; i < 16 * 24; ++i) frame.insert(frame.end(), {200, 100, 0});
  write_png(folder / "golden/0.png", 24, 16, frame);
  std::vector<std::uint8_t> mask(16 * 24, 0);
  std::fill_n(mask.begin(), wrong, std::uint8_t{1});
  write_png(folder / "golden/0.mask.png", 24, 16, mask);
  for (const char* name : {"model.onnx", "golden/0.png", "golden/0.mask.png"})
    list_file(manifest, folder, name);
  seal(manifest, folder);
}

}  // namespace fcn_edge::test
