#include "ground/standard_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fcn_edge/error.hpp>
#include <iostream>
#include <system_error>

namespace fcn_edge::app {

// The lowest free number is taken: each is asked for in order. stdout cannot be written to and says so.
void hold_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    (void)::open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY);
  }
}

void finish_stdout() {
  errno = 0;
  std::cout.flush();
  const bool lost = std::fflush(stdout) != 0 || std::ferror(stdout) != 0 || !std::cout;
  if (!lost) return;
  const std::string why = errno == 0 ? "" : ": " + std::generic_category().message(errno);
  throw Error(ErrorCode::io, "cannot write to stdout" + why, "is the disk full, or the reader gone?");
}

}  // namespace fcn_edge::app
