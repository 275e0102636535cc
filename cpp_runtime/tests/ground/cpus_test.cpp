#include "ground/cpus.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

#include "expect_error.hpp"

namespace fcn_edge::app {
namespace {

int count_of_this_thread() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  sched_getaffinity(0, sizeof mask, &mask);
  return CPU_COUNT(&mask);
}

// The lowest CPU that the test may use: not 0 under taskset.
std::string some_cpu() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  sched_getaffinity(0, sizeof mask, &mask);
  int cpu = 0;
  while (!CPU_ISSET(static_cast<std::size_t>(cpu), &mask)) ++cpu;
  return std::to_string(cpu);
}

TEST(Cpus, AreReadFromAListWithRanges) {
  const std::string cpu = some_cpu();
  const std::vector<int> expected{std::stoi(cpu)};
  EXPECT_EQ(parse_cpus(cpu), expected);
  EXPECT_EQ(parse_cpus(cpu + "," + cpu + "-" + cpu), expected);
}

TEST(Cpus, ThatAreNoListOrNotThereAreRefused) {
  for (const char* wrong : {"", "a", "-1", "3-1", "0,,1", "0-"}) {
    test::expect_error([&] { parse_cpus(wrong); }, ErrorCode::misuse, "type for example --cpus 0,1");
  }
  test::expect_error([] { parse_cpus("999"); }, ErrorCode::misuse, "there is no CPU 999");
}

TEST(Cpus, BindTheThreadAndThoseItMakes) {
  std::thread([] {
    use_cpus(parse_cpus(some_cpu()));
    EXPECT_EQ(count_of_this_thread(), 1);
    std::thread([] { EXPECT_EQ(count_of_this_thread(), 1); }).join();
  }).join();
}

}  // namespace
}  // namespace fcn_edge::app
