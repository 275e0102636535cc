#pragma once

namespace fcn_edge::app {

/// Give a number to those of stdin, stdout and stderr that are closed, so that no file that is opened later
/// takes it and receives what was meant for them. Writing to stdout still fails then. Called first of all.
void hold_standard_streams();

/// Flush stdout. Throws Error(io) when something that was printed there is lost.
void finish_stdout();

}  // namespace fcn_edge::app
