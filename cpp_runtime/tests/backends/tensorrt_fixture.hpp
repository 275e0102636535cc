#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "backends/tensorrt_store.hpp"
#include "engine.hpp"
#include "nvinfer_double/world.hpp"
#include "scratch_folder.hpp"
#include "sha256.hpp"

extern "C" const fcn_edge::BackendModule* fcn_edge_backend();

namespace fcn_edge::test {

using nvinfer_double::World;
using nvinfer_double::world;

constexpr int kHeight = 5;
constexpr int kWidth = 7;

/// A bundle with one small network, a cache folder, and the backend on the stand-in of nvinfer_double/.
class TensorRtTest : public testing::Test {
 protected:
  void SetUp() override {
    world() = World{};
    write_text(bundle() / "model.onnx", "5 7");
    manifest_.info.height = kHeight;
    manifest_.info.width = kWidth;
    manifest_.output = {Tail::mask, "mask", 1, kHeight, kWidth, 1};
    manifest_.files["model.onnx"] = {sha256("5 7"), 3};
  }

  std::filesystem::path bundle() const { return scratch_.path() / "road.fcne"; }
  std::filesystem::path cache() const { return scratch_.path() / "cache"; }

  EngineRequest request() {
    EngineRequest request;
    request.bundle = bundle();
    request.manifest = &manifest_;
    request.cache = request.stored = cache();
    request.progress = [this](const std::string& text) { notes_.push_back(text); };
    return request;
  }

  std::unique_ptr<Engine> open(const EngineRequest& request) { return fcn_edge_backend()->open(request); }
  std::unique_ptr<Engine> open() { return open(request()); }
  std::unique_ptr<Engine> open_with(const std::map<std::string, std::string>& options) {
    EngineRequest with = request();
    with.options = options;
    return open(with);
  }

  std::filesystem::path stored_engine() const {
    for (const auto& entry : std::filesystem::directory_iterator(cache())) {
      if (entry.path().extension() == ".engine") return entry.path();
    }
    return {};
  }

  static nvidia::EngineKey bundled_key(const std::string& device) {
    return {sha256("5 7"), "tensorrt", "10.3.0", device, {}};
  }

  void put_engine_into_bundle(const std::string& device) {
    const nvidia::EngineKey key = bundled_key(device);
    nvidia::store_engine(bundle() / "engines" / "tensorrt", key, "double 5 7 uint8");
    manifest_.files["engines/tensorrt/" + key.digest() + ".json"] = {};
  }

  ScratchFolder scratch_;
  Manifest manifest_;
  std::vector<std::string> notes_;
};

}  // namespace fcn_edge::test
