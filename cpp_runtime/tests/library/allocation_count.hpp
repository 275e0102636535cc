#pragma once

namespace fcn_edge::test {

/// Calls of operator new by this thread so far (always 0 under a sanitizer).
long allocations();

}  // namespace fcn_edge::test
