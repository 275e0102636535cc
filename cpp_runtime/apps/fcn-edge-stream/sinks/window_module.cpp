// The one symbol of libfcn_edge_window.so.

#include "fcn_edge/version.hpp"
#include "sinks/make_sinks.hpp"
#include "sinks/modules.hpp"

extern "C" __attribute__((visibility("default"))) const fcn_edge::app::ModuleTable* fcn_edge_window() {
  using namespace fcn_edge::app;
  static const WindowModule table{{FCN_EDGE_VERSION}, &make_window_sink};
  return &table;
}
