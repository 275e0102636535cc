#include "ground/standard_output.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <fcn_edge/error.hpp>
#include <string>

#include "ground/process.hpp"

namespace fcn_edge::app {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{1};  // with a reader, once the program is asked to stop
constexpr int kTick = 100;                    // milliseconds between two looks at whether it is

}  // namespace

// write() itself would wait where no signal reaches it: the kernel may hand a signal to any thread. A pipe
// that poll() calls writable takes PIPE_BUF bytes at once.
bool write_to_stdout(const void* data, std::size_t size, const char* what) {
  const auto* bytes = static_cast<const char*>(data);
  Clock::time_point taken = Clock::now();
  for (std::size_t done = 0; done < size;) {
    pollfd output{STDOUT_FILENO, POLLOUT, 0};
    if (::poll(&output, 1, kTick) <= 0) {
      if (stop_requested() && Clock::now() - taken > kPatience) return false;
      continue;
    }
    const ssize_t written =
        ::write(STDOUT_FILENO, bytes + done, std::min<std::size_t>(size - done, PIPE_BUF));
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written <= 0) {
      throw Error(ErrorCode::io, std::string("cannot write ") + what + " to stdout",
                  "is the disk full, or did the reader go away?");
    }
    taken = Clock::now();
    done += static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace fcn_edge::app
