// The sources' part of libfcn_edge_media.so.

#include "fcn_edge/version.hpp"
#include "sources/image_source.hpp"
#include "sources/media.hpp"
#include "sources/video_source.hpp"

extern "C" __attribute__((visibility("default"))) const fcn_edge::app::ModuleTable* fcn_edge_media_sources() {
  using namespace fcn_edge::app;
  static const MediaSources table{{FCN_EDGE_VERSION}, &open_video_file, &open_camera,
                                  &open_address,      &open_gstreamer,  &open_images};
  return &table;
}
