#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "fcn_edge/segmenter.hpp"
#include "manifest.hpp"

namespace fcn_edge {

/// What a backend needs to load a model.
struct EngineRequest {
  std::filesystem::path bundle;  ///< verified folder; the model is bundle/model.onnx
  const Manifest* manifest = nullptr;
  Schedule schedule = Schedule::latency;
  int threads = 0;               ///< 0: the engine's choice
  int slots = 0;                 ///< 0: the engine's choice
  std::filesystem::path cache;   ///< folder for compiled engines, or empty for none that can be written
  std::filesystem::path stored;  ///< where they may be read: `cache`, or what another user wrote
  bool rebuild = false;          ///< build the engine even where a cached one matches
  std::map<std::string, std::string> options;  ///< the backend's own; it refuses those it does not know
  std::function<void(const std::string&)>
      progress;  ///< notes during a long build, one line each; may be empty
};

/// One loaded model with several slots: fill input(slot), start(slot), wait(slot), read the output.
/// Calls come from one thread; different slots may be in flight together.
class Engine {
 public:
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  virtual std::string describe() const = 0;  ///< name, version, device
  virtual int slots() const = 0;

  /// (1, H, W, 3) uint8, packed; written by the caller while the slot is idle.
  virtual std::uint8_t* input(int slot) = 0;
  virtual void start(int slot) = 0;

  /// Block until the slot is done and return when that was. Throws Error(inference).
  virtual TimePoint wait(int slot) = 0;

  /// After wait: Tail::scores gives (1, C, h, w) float, Tail::mask gives (1, H, W) uint8.
  virtual const void* output(int slot) = 0;
};

/// What a backend's shared object hands out through its one C symbol, fcn_edge_backend().
struct BackendModule {
  static constexpr int kAbi = 3;
  int abi = kAbi;
  const char* name = nullptr;
  std::unique_ptr<Engine> (*open)(const EngineRequest&) = nullptr;
  std::string (*version)() = nullptr;  ///< name and version of the engine, e.g. "OpenVINO 2026.4.1"
};

}  // namespace fcn_edge
