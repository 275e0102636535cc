#include "sources/frame_reader.hpp"

#include <cstdio>

namespace fcn_edge::app {

bool FrameReader::read(Frame& frame) {
  for (;;) {
    frame.index = frames_;
    frame.name.clear();
    frame.asked = Clock::now();
    if (!source_->read(frame.image, frame.name)) return false;
    frame.taken = Clock::now();
    ++frames_;
    if (frame.index % every_ == 0) break;
    ++skipped_;
  }
  if (frame.name.empty()) {  // frames without a name of their own: 000000, 000001, ...
    char digits[24];
    std::snprintf(digits, sizeof digits, "%06llu", static_cast<unsigned long long>(frame.index));
    frame.name = digits;
  }
  return true;
}

}  // namespace fcn_edge::app
