#include "options.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "expect_error.hpp"

namespace fcn_edge::app {
namespace {

StreamOptions parse(std::vector<const char*> words) {
  words.insert(words.begin(), "fcn-edge-stream");
  return parse_options(static_cast<int>(words.size()), words.data()).value();
}

void expect_misuse(const std::vector<const char*>& words, const std::string& says) {
  test::expect_error([&] { parse(words); }, ErrorCode::misuse, says);
}

TEST(StreamOptions, AreReadFromTheCommandLine) {
  const StreamOptions o =
      parse({"road.fcne", "--source", "0", "--policy", "latest", "--alpha=0.25", "--limit", "7"});
  EXPECT_EQ(o.bundle, "road.fcne");
  EXPECT_EQ(o.sources, std::vector<std::string>{"0"});
  EXPECT_EQ(o.policy.kind, PolicyKind::latest);
  EXPECT_DOUBLE_EQ(o.alpha, 0.25);
  EXPECT_EQ(o.limit, 7U);
}

TEST(StreamOptions, NameTheNearestOptionForAnUnknownOne) {
  expect_misuse({"b", "--source", "0", "--maks", "d"}, "unknown option '--maks'; did you mean --masks?");
  expect_misuse({"b", "--source", "0", "--reprot=f"}, "did you mean --report?");
}

TEST(StreamOptions, ListTheValidNamesForAnUnknownOne) {
  expect_misuse({"b", "--source", "0", "--policy", "newest"},
                "--policy 'newest' does not exist; valid: auto|block|latest|every-n:N");
}

TEST(StreamOptions, ReadPoliciesWithTheirNumber) {
  const Policy every = parse({"b", "--source", "0", "--policy", "every-n:5"}).policy;
  EXPECT_EQ(every.kind, PolicyKind::every_n);
  EXPECT_EQ(every.number, 5);
  EXPECT_EQ(parse({"b", "--source", "0", "--policy", "deadline-ms:80"}).policy.number, 80);
  for (const char* wrong : {"every-n", "every-n:", "every-n:0", "every-n:x", "latest:3", "deadline-ms:-1"}) {
    expect_misuse({"b", "--source", "0", "--policy", wrong}, "does not exist");
  }
}

TEST(StreamOptions, TakeSeveralSourcesWithoutSwallowingTheBundle) {
  const StreamOptions o = parse({"--source", "0", "--source", "test:64x64@5", "road.fcne"});
  EXPECT_EQ(o.sources, (std::vector<std::string>{"0", "test:64x64@5"}));
  EXPECT_EQ(o.bundle, "road.fcne");
}

TEST(StreamOptions, GiveStdoutAndStdinToOneUserOnly) {
  EXPECT_EQ(parse({"b", "--source", "0", "--masks-stream", "rle"}).masks_stream, MaskEncoding::rle);
  expect_misuse({"b", "--source", "0", "--masks-stream", "raw", "--areas", "-"}, "want stdout");
  expect_misuse({"b", "--source", "raw:4x4", "--source", "raw:4x4"}, "read standard input");
  expect_misuse({"b", "--source", "0", "--masks-stream", "zip"}, "valid: raw|rle");
}

TEST(StreamOptions, NeedNoBundleToListCameras) { EXPECT_TRUE(parse({"--list-cameras"}).list_cameras); }

TEST(StreamOptions, CollectTheEnginesOwn) {
  const StreamOptions o =
      parse({"--engine-option", "cuda_graph=on", "b", "--source", "0", "--engine-option=level=5"});
  EXPECT_EQ(o.bundle, "b");
  EXPECT_EQ(o.engine_options, (std::map<std::string, std::string>{{"cuda_graph", "on"}, {"level", "5"}}));
  expect_misuse({"b", "--source", "0", "--engine-option", "level"},
                "--engine-option 'level' is not KEY=VALUE");
}

TEST(StreamOptions, SayWhatIsMissing) {
  expect_misuse({}, "no bundle given");
  expect_misuse({"road.fcne"}, "no --source given");
  expect_misuse({"road.fcne", "other.fcne", "--source", "0"}, "unexpected argument 'other.fcne'");
}

TEST(StreamOptions, RefuseValuesOutsideTheirRange) {
  expect_misuse({"b", "--source", "0", "--alpha", "2"}, "--alpha");
  expect_misuse({"b", "--source", "0", "--threads", "-1"}, "--threads");
  expect_misuse({"b", "--source", "0", "--loop", "-1"}, "--loop");
  expect_misuse({"b", "--source", "0", "--limit", "many"}, "--limit");
  expect_misuse({"b", "--source", "0", "--limit", "-3"}, "--limit -3 is negative");
  expect_misuse({"b", "--source", "0", "--limit=-3"}, "--limit -3 is negative");
  expect_misuse({"b", "--source", "0", "--warmup", "-1"}, "--warmup -1 is negative");
  expect_misuse({"b", "--source", "0", "--seconds", "-1"}, "--seconds");
  expect_misuse({"b", "--source", "0", "--seconds", "inf"}, "--seconds");
  expect_misuse({"b", "--source", "0", "--on-bad-image", "ask"}, "valid: skip|stop");
}

}  // namespace
}  // namespace fcn_edge::app
