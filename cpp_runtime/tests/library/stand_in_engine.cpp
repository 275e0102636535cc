// An engine with no network: the scores of a cell are the blue, green, red, ... values of its first pixel.
// It answers at once, so that tests see only the code around the engine.

#include <vector>

#include "engine.hpp"

namespace fcn_edge {
namespace {

class StandIn : public Engine {
 public:
  explicit StandIn(const EngineRequest& request)
      : info_(request.manifest->info),
        out_(request.manifest->output),
        lanes_(static_cast<std::size_t>(request.slots > 0 ? request.slots : 2)) {
    for (Lane& lane : lanes_) {
      lane.input.resize(static_cast<std::size_t>(3 * info_.width * info_.height));
      lane.scores.resize(static_cast<std::size_t>(out_.channels * out_.height * out_.width));
    }
  }

  std::string describe() const override { return "stand-in"; }
  int slots() const override { return static_cast<int>(lanes_.size()); }
  std::uint8_t* input(int slot) override { return lane(slot).input.data(); }
  TimePoint wait(int) override { return std::chrono::steady_clock::now(); }
  const void* output(int slot) override { return lane(slot).scores.data(); }

  void start(int slot) override {
    Lane& l = lane(slot);
    std::size_t i = 0;
    for (int c = 0; c < out_.channels; ++c) {
      for (int y = 0; y < out_.height; ++y) {
        for (int x = 0; x < out_.width; ++x) {
          const int pixel = (y * out_.stride * info_.width + x * out_.stride) * 3 + c % 3;
          l.scores[i++] = static_cast<float>(l.input[static_cast<std::size_t>(pixel)]);
        }
      }
    }
  }

 private:
  struct Lane {
    std::vector<std::uint8_t> input;
    std::vector<float> scores;
  };

  Lane& lane(int slot) { return lanes_[static_cast<std::size_t>(slot)]; }

  BundleInfo info_;
  OutputSpec out_;
  std::vector<Lane> lanes_;
};

std::string engine_version() { return "stand-in 1.0"; }

std::unique_ptr<Engine> open(const EngineRequest& request) { return std::make_unique<StandIn>(request); }

}  // namespace
}  // namespace fcn_edge

extern "C" __attribute__((visibility("default"))) const fcn_edge::BackendModule* fcn_edge_backend() {
  static const fcn_edge::BackendModule module{fcn_edge::BackendModule::kAbi, "stand-in", &fcn_edge::open,
                                              &fcn_edge::engine_version};
  return &module;
}
