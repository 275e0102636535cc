// The one symbol of libfcn_edge_media.so.

#include "fcn_edge/version.hpp"
#include "live/jpeg.hpp"
#include "sources/image_source.hpp"
#include "sources/media.hpp"
#include "sources/video_source.hpp"

extern "C" __attribute__((visibility("default"))) const fcn_edge::app::MediaModule* fcn_edge_media() {
  using namespace fcn_edge::app;
  static const MediaModule module{FCN_EDGE_VERSION, &open_video_file, &open_camera,
                                  &open_address,    &open_gstreamer,  &open_images,
                                  &make_mask_sink,  &make_video_sink, &encode_jpeg};
  return &module;
}
