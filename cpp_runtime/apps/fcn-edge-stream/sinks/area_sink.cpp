#include <spdlog/spdlog.h>

#include <cstdio>
#include <fcn_edge/error.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "ground/standard_output.hpp"
#include "sinks/make_sinks.hpp"
#include "stream/class_shares.hpp"

namespace fcn_edge::app {
namespace {

// One JSON object a line and frame: {"source": 0, "frame": 7, "name": "000007", "areas": {"road": 0.412,
// ...}}
class AreaSink : public Sink {
 public:
  AreaSink(const std::string& path, std::vector<ClassInfo> classes)
      : path_(path),
        classes_(std::move(classes)),
        file_(path == "-" ? stdout : std::fopen(path.c_str(), "w")) {
    if (file_ == nullptr) throw Error(ErrorCode::io, "cannot write " + path, "choose another --areas");
  }

  ~AreaSink() override {
    if (file_ != stdout) std::fclose(file_);
  }
  AreaSink(const AreaSink&) = delete;
  AreaSink& operator=(const AreaSink&) = delete;

  bool needs_overlay() const override { return false; }

  void write(const Scene& scene) override {
    const ClassShares shares = class_shares(scene.mask);
    nlohmann::ordered_json line{{"source", scene.source}, {"frame", scene.index}, {"name", scene.name}};
    for (std::size_t id = 0; id < classes_.size(); ++id) line["areas"][classes_[id].name] = shares[id];
    const std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    if (file_ == stdout) {
      if (cut_ || write_to_stdout(text.data(), text.size(), "areas")) return;
      cut_ = true;
      spdlog::warn("the reader of --areas stopped reading: what it has not taken is lost");
      return;
    }
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size() || std::fflush(file_) != 0) {
      throw Error(ErrorCode::io, "cannot write " + path_, "is the disk full?");
    }
  }

 private:
  std::string path_;
  std::vector<ClassInfo> classes_;
  std::FILE* file_;
  bool cut_ = false;  // the program is to end, and the reader takes nothing more
};

}  // namespace

std::unique_ptr<Sink> make_area_sink(const std::string& path, const std::vector<ClassInfo>& classes) {
  return std::make_unique<AreaSink>(path, classes);
}

}  // namespace fcn_edge::app
