#pragma once

#include <stdexcept>
#include <string>

#include "fcn_edge/export.hpp"

namespace fcn_edge {

/// Why a call failed, for programs that react to the reason. The sentence for people is Error::what().
enum class ErrorCode {
  misuse,     ///< the call contradicts itself: null pointer, wrong size, slot already in use
  bundle,     ///< not a bundle, or one that this version cannot read
  tampered,   ///< a file of the bundle is missing or differs from its recorded hash
  ungated,    ///< the bundle never passed its accuracy gate, and Options::allow_ungated is off
  selftest,   ///< the engine does not reproduce the bundle's golden masks on this machine
  backend,    ///< the inference engine is not installed or cannot load this model
  inference,  ///< the engine failed while running a frame
  io,         ///< a file could not be read or written
};

/// The one exception type of the library: one sentence saying what happened, then what to do about it.
class FCN_EDGE_API Error : public std::runtime_error {
 public:
  /// what() becomes "WHAT; HINT", or "WHAT" when there is no hint.
  Error(ErrorCode code, const std::string& what, const std::string& hint = "");

  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace fcn_edge
