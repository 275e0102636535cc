#include "fcn_edge/error.hpp"

namespace fcn_edge {

Error::Error(ErrorCode code, const std::string& what, const std::string& hint)
    : std::runtime_error(hint.empty() ? what : what + "; " + hint), code_(code) {}

}  // namespace fcn_edge
