// The one symbol of libfcn_edge_window.so.

#include "fcn_edge/version.hpp"
#include "sources/media.hpp"

extern "C" __attribute__((visibility("default"))) const fcn_edge::app::WindowModule* fcn_edge_window() {
  static const fcn_edge::app::WindowModule module{FCN_EDGE_VERSION, &fcn_edge::app::make_window_sink};
  return &module;
}
