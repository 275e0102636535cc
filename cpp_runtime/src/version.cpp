#include "fcn_edge/version.hpp"

namespace fcn_edge {

const char* version() noexcept { return FCN_EDGE_VERSION; }

}  // namespace fcn_edge
