#include <fcn_edge/error.hpp>
#include <opencv2/core.hpp>

#include "sinks/code_sink.hpp"
#include "sources/coded_picture.hpp"

namespace fcn_edge::app {

void CodeSink::write(const Scene& scene) {
  const std::optional<PictureCode> code = read_code(scene.image);
  if (!code) {
    ++unreadable_;
    return;
  }
  const std::chrono::nanoseconds now = Clock::now().time_since_epoch();
  age_.add(now - std::chrono::nanoseconds(code->nanoseconds));
  if (seen_ > 0 && code->id <= last_) {
    ++disordered_;
  } else {
    missing_ += code->id - (seen_ > 0 ? last_ + 1 : 0);
    last_ = code->id;
  }
  ++seen_;
}

nlohmann::json CodeSink::describe() const {
  return {{"read", seen_},
          {"unreadable", unreadable_},
          {"out_of_order", disordered_},
          {"missing", missing_},
          {"age_ms",
           {{"p50", age_.percentile_ms(0.5)}, {"p99", age_.percentile_ms(0.99)}, {"max", age_.max_ms()}}}};
}

}  // namespace fcn_edge::app
