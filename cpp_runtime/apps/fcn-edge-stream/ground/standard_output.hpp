#pragma once

#include <cstddef>

namespace fcn_edge::app {

/// Write all of it to standard output, waiting for the reader as long as it takes. False when the program was
/// asked to stop and the reader takes nothing more: part of it may have been written. Throws Error(io) with
/// `what` ("masks") where the reader has gone or the disk is full.
bool write_to_stdout(const void* data, std::size_t size, const char* what);

}  // namespace fcn_edge::app
