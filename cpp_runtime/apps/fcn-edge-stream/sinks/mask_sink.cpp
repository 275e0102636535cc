#include <cstdlib>
#include <fcn_edge/error.hpp>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <vector>

#include "sinks/make_sinks.hpp"
#include "sinks/staged_file.hpp"

namespace fcn_edge::app {
namespace {

class MaskSink : public Sink {
 public:
  explicit MaskSink(const std::string& folder) : folder_(folder) {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error)
      throw Error(ErrorCode::io, "cannot write " + folder + ": " + error.message(), "choose another --masks");
  }

  bool needs_overlay() const override { return false; }

  void write(const Scene& scene) override {
    auto* ids = const_cast<std::uint8_t*>(scene.mask.ids.data());  // cv::Mat has no read-only view
    const cv::Mat picture(scene.mask.height, scene.mask.width, CV_8UC1, ids);
    cv::imencode(".png", picture, bytes_);
    write_file((folder_ / (scene.name + ".png")).string(), bytes_.data(), bytes_.size());
  }

 private:
  std::filesystem::path folder_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

std::unique_ptr<Sink> make_mask_sink(const std::string& folder) { return std::make_unique<MaskSink>(folder); }

}  // namespace fcn_edge::app
