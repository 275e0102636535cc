// Which engine the TensorRT backend takes: one of the bundle, one of the cache, or one that it builds.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "backends/tensorrt_fixture.hpp"

namespace fcn_edge::test {
namespace {

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_F(TensorRtTest, BuildsOnceAndThenUsesTheStoredEngine) {
  open();
  open();
  EXPECT_EQ(world().engines_built, 1);
  EXPECT_EQ(notes_.size(), 2U);  // that it builds, and the outermost phase
}

// Root's engines serve the service's user: all may read them, their owner alone may write.
TEST_F(TensorRtTest, StoresEnginesThatOthersMayReadAndNobodyElseMayWrite) {
  const mode_t before = ::umask(0);
  open();
  ::umask(before);
  namespace fs = std::filesystem;
  EXPECT_EQ(fs::status(cache()).permissions(), fs::perms(0755));
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(cache())) {
    const std::string ending = entry.path().extension().string();
    if (ending != ".engine" && ending != ".json") continue;
    EXPECT_EQ(entry.status().permissions(), fs::perms(0644)) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 2U);  // and no temporary file
}

TEST_F(TensorRtTest, ReadsACacheThatItMayNotWrite) {
  open();
  EngineRequest other = request();
  other.cache.clear();
  open(other);
  EXPECT_EQ(world().engines_built, 1);
}

TEST_F(TensorRtTest, BuildsAgainOnRequest) {
  open();
  EngineRequest again = request();
  again.rebuild = true;
  open(again);
  EXPECT_EQ(world().engines_built, 2);
}

TEST_F(TensorRtTest, BuildsAgainForAnotherGpu) {
  open();
  world().name = "Another GPU";
  open();
  EXPECT_EQ(world().engines_built, 2);
}

TEST_F(TensorRtTest, BuildsAgainForAnotherModel) {
  open();
  manifest_.files["model.onnx"].sha256 = sha256("something else");
  open();
  EXPECT_EQ(world().engines_built, 2);
}

TEST_F(TensorRtTest, BuildsAgainWhenTheStoredEngineIsDamaged) {
  open();
  write_text(stored_engine(), read(stored_engine()) + "x");
  open();
  EXPECT_EQ(world().engines_built, 2);
}

TEST_F(TensorRtTest, BuildsAgainWhenTheNoteBesideTheEngineIsNotJson) {
  open();
  write_text(stored_engine().replace_extension(".json"), "{\"key\": 3");
  open();
  EXPECT_EQ(world().engines_built, 2);
}

TEST_F(TensorRtTest, BuildsAgainWhenTheLibraryRefusesTheStoredEngine) {
  open();
  world().refusals = 1;
  open();
  EXPECT_EQ(world().engines_built, 2);
  EXPECT_NE(notes_[2].find("refused (Serialization assertion"), std::string::npos) << notes_[2];
}

TEST_F(TensorRtTest, HandsTheOptionsToTheBuilderAndToTheKey) {
  open_with({{"level", "5"}, {"workspace_mb", "256"}});
  EXPECT_EQ(world().level, 5);
  EXPECT_EQ(world().workspace, std::size_t{256} << 20);
  const auto note = nlohmann::json::parse(read(stored_engine().replace_extension(".json")));
  EXPECT_EQ(note["key"]["options"], (nlohmann::json{{"level", "5"}, {"workspace_mb", "256"}}));
}

TEST_F(TensorRtTest, UsesAnEngineOfAnyOptionsUnlessSomeAreNamed) {
  open_with({{"level", "5"}});
  open();
  open_with({{"level", "5"}, {"cuda_graph", "on"}});  // a graph changes no engine
  EXPECT_EQ(world().engines_built, 1);
  open_with({{"level", "1"}});
  EXPECT_EQ(world().engines_built, 2);
}

TEST_F(TensorRtTest, TheSecondBuildKnowsTheTimingsOfTheFirst) {
  EngineRequest again = request();
  again.rebuild = true;
  open(again);
  EXPECT_EQ(world().timings, "");
  open(again);
  EXPECT_EQ(world().timings, "timings");
  write_text(cache() / "timing-10.3.0-sm87.cache", "damaged");
  open(again);
  EXPECT_EQ(world().timings, "");
}

TEST_F(TensorRtTest, UsesAnEngineOfTheBundleThatWasBuiltForItsComputeCapability) {
  put_engine_into_bundle("sm86+sm87");
  open();
  EXPECT_EQ(world().engines_built, 0);
  world().sm = 8;  // must not be found inside "sm86"
  open();
  EXPECT_EQ(world().engines_built, 1);
}

TEST_F(TensorRtTest, DoesNotLookAtAnEngineThatTheManifestDoesNotList) {
  put_engine_into_bundle("sm87");
  manifest_.files.erase("engines/tensorrt/" + bundled_key("sm87").digest() + ".json");
  open();
  EXPECT_EQ(world().engines_built, 1);
}

TEST_F(TensorRtTest, WorksWithoutACacheFolderAndSaysSo) {
  EngineRequest bare = request();
  bare.cache.clear();
  open(bare);
  open(bare);
  EXPECT_EQ(world().engines_built, 2);
  EXPECT_NE(notes_.back().find("built again at the next start"), std::string::npos);
}

// The digest that Python computes for the same key (tests/backends/test_nvidia_key.py).
TEST(EngineKeyTest, HasTheDigestThatPythonGivesIt) {
  const nvidia::EngineKey key{
      std::string(64, 'a'), "tensorrt", "10.3.0", "Orin, sm87", {{"level", "3"}, {"workspace_mb", "all"}}};
  EXPECT_EQ(key.digest(), "1b93e061f14b8f1f");
}

}  // namespace
}  // namespace fcn_edge::test
