#include "ground/cpus.hpp"

#include <sched.h>

#include <cerrno>
#include <fcn_edge/error.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <system_error>

namespace fcn_edge::app {
namespace {

std::set<int> allowed_cpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  sched_getaffinity(0, sizeof mask, &mask);
  std::set<int> found;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &mask)) found.insert(cpu);
  }
  return found;
}

std::string listed(const std::set<int>& cpus) {
  std::string text;
  for (const int cpu : cpus) text += (text.empty() ? "" : ",") + std::to_string(cpu);
  return text;
}

}  // namespace

std::vector<int> parse_cpus(const std::string& text) {
  static const std::regex part(R"((\d{1,3})(?:-(\d{1,3}))?)");
  std::set<int> wanted;
  std::istringstream parts(text + ",");
  for (std::string one; std::getline(parts, one, ',');) {
    std::smatch found;
    const bool fits = std::regex_match(one, found, part);
    const int first = fits ? std::stoi(found[1]) : 1;
    const int last = !fits ? 0 : found[2].matched ? std::stoi(found[2]) : first;
    if (first > last) {
      throw Error(ErrorCode::misuse, "--cpus '" + text + "' is not a list of CPU numbers",
                  "type for example --cpus 0,1 or --cpus 2-5");
    }
    for (int cpu = first; cpu <= last; ++cpu) wanted.insert(cpu);
  }
  const std::set<int> allowed = allowed_cpus();
  for (const int cpu : wanted) {
    if (allowed.count(cpu) != 0) continue;
    throw Error(ErrorCode::misuse, "--cpus: there is no CPU " + std::to_string(cpu) + " to run on",
                "this process may use " + listed(allowed));
  }
  return {wanted.begin(), wanted.end()};
}

void use_cpus(const std::vector<int>& cpus) {
  if (cpus.empty()) return;
  cpu_set_t mask;
  CPU_ZERO(&mask);
  for (const int cpu : cpus) CPU_SET(static_cast<std::size_t>(cpu), &mask);
  if (sched_setaffinity(0, sizeof mask, &mask) == 0) return;
  throw Error(ErrorCode::io, "--cpus: " + std::generic_category().message(errno),
              "does a container or cpuset limit this process?");
}

}  // namespace fcn_edge::app
