#include "sinks/mask_stream.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "ground/standard_output.hpp"

namespace fcn_edge::app {
namespace {

constexpr std::size_t kHeader = 28;
constexpr std::size_t kLongestRun = 65535;

void put(std::uint8_t* to, std::size_t bytes, std::uint64_t value) {
  for (std::size_t i = 0; i < bytes; ++i) to[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

std::int64_t unix_nanoseconds(Clock::time_point when) {
  using std::chrono::nanoseconds;
  const nanoseconds now = std::chrono::system_clock::now().time_since_epoch();
  return (now - std::chrono::duration_cast<nanoseconds>(Clock::now() - when)).count();
}

class MaskStream : public Sink {
 public:
  MaskStream(MaskEncoding encoding, const BundleInfo& info) : encoding_(encoding) {
    nlohmann::ordered_json head{{"format", "fcn-edge-masks"},
                                {"version", 1},
                                {"encoding", encoding == MaskEncoding::raw ? "raw" : "rle"},
                                {"height", info.height},
                                {"width", info.width},
                                {"classes", nlohmann::json::array()},
                                {"void_id", info.void_id}};
    for (const ClassInfo& one : info.classes) head["classes"].push_back(one.name);
    const std::string line = head.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    send(line.data(), line.size());
  }

  bool needs_overlay() const override { return false; }

  void write(const Scene& scene) override {
    const std::vector<std::uint8_t>& ids = scene.mask.ids;
    bytes_.resize(kHeader);
    if (encoding_ == MaskEncoding::raw) {
      bytes_.insert(bytes_.end(), ids.begin(), ids.end());
    } else {
      append_runs(ids, bytes_);
    }
    std::copy_n("MASK", 4, bytes_.data());
    put(bytes_.data() + 4, 4, scene.source);
    put(bytes_.data() + 8, 8, scene.index);
    put(bytes_.data() + 16, 8, static_cast<std::uint64_t>(unix_nanoseconds(scene.taken)));
    put(bytes_.data() + 24, 4, bytes_.size() - kHeader);
    send(bytes_.data(), bytes_.size());
  }

 private:
  // A frame that was cut short ends the stream: what came behind it could not be read.
  void send(const void* data, std::size_t size) {
    if (cut_ || write_to_stdout(data, size, "masks")) return;
    cut_ = true;
    spdlog::warn("the reader of --masks-stream stopped reading: what it has not taken is lost");
  }

  MaskEncoding encoding_;
  bool cut_ = false;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

void append_runs(const std::vector<std::uint8_t>& ids, std::vector<std::uint8_t>& bytes) {
  for (std::size_t begin = 0; begin < ids.size();) {
    const std::size_t limit = std::min(ids.size(), begin + kLongestRun);
    std::size_t end = begin + 1;
    while (end < limit && ids[end] == ids[begin]) ++end;
    bytes.push_back(ids[begin]);
    bytes.push_back(static_cast<std::uint8_t>((end - begin) & 0xFF));
    bytes.push_back(static_cast<std::uint8_t>((end - begin) >> 8));
    begin = end;
  }
}

std::unique_ptr<Sink> make_mask_stream(MaskEncoding encoding, const BundleInfo& info) {
  return std::make_unique<MaskStream>(encoding, info);
}

}  // namespace fcn_edge::app
