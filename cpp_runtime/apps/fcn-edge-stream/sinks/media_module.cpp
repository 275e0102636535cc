// The sinks' part of libfcn_edge_media.so.

#include "fcn_edge/version.hpp"
#include "sinks/make_sinks.hpp"
#include "sinks/modules.hpp"

extern "C" __attribute__((visibility("default"))) const fcn_edge::app::ModuleTable* fcn_edge_media_sinks() {
  using namespace fcn_edge::app;
  static const MediaSinks table{{FCN_EDGE_VERSION}, &make_mask_sink, &make_video_sink};
  return &table;
}
