// The TensorRT backend, unmodified, on the stand-in of nvinfer_double/ and under sanitizers.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "backends/tensorrt_store.hpp"
#include "engine.hpp"
#include "expect_error.hpp"
#include "nvinfer_double/world.hpp"
#include "scratch_folder.hpp"
#include "sha256.hpp"

extern "C" const fcn_edge::BackendModule* fcn_edge_backend();

namespace fcn_edge::test {
namespace {

namespace fs = std::filesystem;
using nvinfer_double::World;
using nvinfer_double::world;

constexpr int kHeight = 5;
constexpr int kWidth = 7;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class TensorRtTest : public testing::Test {
 protected:
  void SetUp() override {
    world() = World{};
    write_text(bundle() / "model.onnx", "5 7");
    manifest_.info.height = kHeight;
    manifest_.info.width = kWidth;
    manifest_.output = {Tail::mask, "mask", 1, kHeight, kWidth, 1};
    manifest_.files["model.onnx"] = {sha256("5 7"), 3};
  }

  fs::path bundle() const { return scratch_.path() / "road.fcne"; }
  fs::path cache() const { return scratch_.path() / "cache"; }

  EngineRequest request() {
    EngineRequest request;
    request.bundle = bundle();
    request.manifest = &manifest_;
    request.cache = cache();
    request.progress = [this](const std::string& text) { notes_.push_back(text); };
    return request;
  }

  std::unique_ptr<Engine> open(const EngineRequest& request) { return fcn_edge_backend()->open(request); }
  std::unique_ptr<Engine> open() { return open(request()); }
  std::unique_ptr<Engine> open_with(const std::map<std::string, std::string>& options) {
    EngineRequest with = request();
    with.options = options;
    return open(with);
  }

  fs::path stored_engine() const {
    for (const auto& entry : fs::directory_iterator(cache())) {
      if (entry.path().extension() == ".engine") return entry.path();
    }
    return {};
  }

  static nvidia::EngineKey bundled_key(const std::string& device) {
    return {sha256("5 7"), "tensorrt", "10.3.0", device, {}};
  }

  void put_engine_into_bundle(const std::string& device) {
    const nvidia::EngineKey key = bundled_key(device);
    nvidia::store_engine(bundle() / "engines" / "tensorrt", key, "double 5 7 uint8");
    manifest_.files["engines/tensorrt/" + key.digest() + ".json"] = {};
  }

  ScratchFolder scratch_;
  Manifest manifest_;
  std::vector<std::string> notes_;
};

std::vector<std::uint8_t> random_frame(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::uint8_t> frame(3 * kHeight * kWidth);
  std::generate(frame.begin(), frame.end(), [&] { return static_cast<std::uint8_t>(random()); });
  return frame;
}

std::vector<int> expected_mask(const std::vector<std::uint8_t>& frame) {
  std::vector<int> mask;
  for (std::size_t i = 0; i < frame.size(); i += 3)
    mask.push_back((frame[i] + 2 * frame[i + 1] + 3 * frame[i + 2]) % 7);
  return mask;
}

std::vector<int> mask_of(Engine& engine, int slot) {
  const auto* mask = static_cast<const std::uint8_t*>(engine.output(slot));
  return {mask, mask + kHeight * kWidth};
}

TEST_F(TensorRtTest, GivesEverySlotTheMaskOfItsOwnFrame) {
  const auto engine = open();
  ASSERT_EQ(engine->slots(), 2);
  for (unsigned round = 0; round < 3; ++round) {
    for (int slot = 0; slot < 2; ++slot) {
      const auto frame = random_frame(2 * round + static_cast<unsigned>(slot));
      std::copy(frame.begin(), frame.end(), engine->input(slot));
      engine->start(slot);
    }
    for (int slot = 0; slot < 2; ++slot) {
      engine->wait(slot);
      EXPECT_EQ(mask_of(*engine, slot), expected_mask(random_frame(2 * round + static_cast<unsigned>(slot))));
    }
  }
}

TEST_F(TensorRtTest, CopiesFramesOnlyWhereTheGpuHasItsOwnMemory) {
  for (const bool integrated : {false, true}) {
    world().integrated = integrated;
    world().copies = 0;
    const auto engine = open();
    const auto frame = random_frame(1);
    std::copy(frame.begin(), frame.end(), engine->input(0));
    engine->start(0);
    engine->wait(0);
    EXPECT_EQ(mask_of(*engine, 0), expected_mask(frame));
    EXPECT_EQ(world().copies, integrated ? 0 : 2);
  }
}

TEST_F(TensorRtTest, GivesTheSameMasksFromARecordedGraph) {
  for (const bool integrated : {false, true}) {
    world().integrated = integrated;
    world().graph_launches = 0;
    const auto engine = open_with({{"cuda_graph", "on"}});
    EXPECT_NE(engine->describe().find("CUDA graph"), std::string::npos);
    for (unsigned round = 0; round < 3; ++round) {
      for (int slot = 0; slot < 2; ++slot) {
        const auto frame = random_frame(2 * round + static_cast<unsigned>(slot));
        std::copy(frame.begin(), frame.end(), engine->input(slot));
        const auto before = std::chrono::steady_clock::now();
        engine->start(slot);
        EXPECT_GE(engine->wait(slot), before);
        EXPECT_EQ(mask_of(*engine, slot), expected_mask(frame));
      }
    }
    EXPECT_EQ(world().graph_launches, 6);
  }
}

TEST_F(TensorRtTest, RunsWithoutAGraphWhereTheEngineCannotBeRecorded) {
  world().records = false;
  const auto engine = open_with({{"cuda_graph", "on"}});
  EXPECT_EQ(notes_.back(), "no CUDA graph: TensorRT cannot run the frame (it gives no reason)");
  const auto frame = random_frame(1);
  std::copy(frame.begin(), frame.end(), engine->input(0));
  engine->start(0);
  engine->wait(0);
  EXPECT_EQ(mask_of(*engine, 0), expected_mask(frame));
  EXPECT_EQ(world().graph_launches, 0);
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

TEST_F(TensorRtTest, RefusesOptionsThatDoNotExistOrAreOutOfRange) {
  expect_error(
      [&] {
        open_with({{"fp16", "1"}});
      },
      ErrorCode::misuse, "valid: cuda_graph, level, workspace_mb");
  expect_error([&] { open_with({{"level", "6"}}); }, ErrorCode::misuse, "give a whole number from 0 to 5");
  expect_error(
      [&] {
        open_with({{"workspace_mb", "-1"}});
      },
      ErrorCode::misuse, "engine option workspace_mb=-1");
  expect_error([&] { open_with({{"workspace_mb", "99999999999"}}); }, ErrorCode::misuse, "from 1 to 1048576");
  expect_error([&] { open_with({{"cuda_graph", "yes"}}); }, ErrorCode::misuse, "give on or off");
}

TEST_F(TensorRtTest, SaysWhatItRunsOn) {
  EXPECT_EQ(open()->describe(), "TensorRT 10.3.0 on Test GPU (sm87)");
}

TEST_F(TensorRtTest, BuildsOnceAndThenUsesTheStoredEngine) {
  open();
  open();
  EXPECT_EQ(world().engines_built, 1);
  EXPECT_EQ(notes_.size(), 2U);  // that it builds, and the outermost phase
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

TEST_F(TensorRtTest, LeavesNoPartOfAnEngineBehindWhenItCannotBeWritten) {
  write_text(cache(), "a file where the folder should be");
  expect_error([&] { open(); }, ErrorCode::io, "cannot write");
}

TEST_F(TensorRtTest, RefusesAMachineWithoutAGpu) {
  world().devices = 0;
  expect_error([&] { open(); }, ErrorCode::backend, "no usable NVIDIA GPU (CUDA finds no device)");
}

TEST_F(TensorRtTest, RefusesAMachineWithoutADriver) {
  world().devices = -1;
  expect_error([&] { open(); }, ErrorCode::backend, "CUDA driver version is insufficient");
}

TEST_F(TensorRtTest, RefusesALibraryOfAnotherMajorVersion) {
  world().library_major = 11;
  expect_error([&] { open(); }, ErrorCode::backend,
               "TensorRT 11.3.0 is installed, this engine was built for version 10");
}

TEST_F(TensorRtTest, RefusesAnEngineThatItCannotLoadEvenWhenFresh) {
  world().refusals = 2;
  expect_error([&] { open(); }, ErrorCode::backend, "cannot load the engine it just built");
}

TEST_F(TensorRtTest, RefusesAnEngineWhoseMaskHasAnotherType) {
  world().output_type = "float";
  expect_error([&] { open(); }, ErrorCode::bundle, "the engine's tensor mask is not what the manifest says");
}

TEST_F(TensorRtTest, RefusesAnEngineOfAnotherSize) {
  manifest_.info.width = 8;
  expect_error([&] { open(); }, ErrorCode::bundle, "the engine's tensor frame is not what the manifest says");
}

TEST_F(TensorRtTest, NamesTheOperatorThatTheParserRefuses) {
  world().parses = false;
  expect_error([&] { open(); }, ErrorCode::backend, "No importer registered for op: MaxUnpool");
}

TEST_F(TensorRtTest, SaysWhatToDoWhenTheBuildRunsOutOfMemory) {
  world().builds = false;
  expect_error([&] { open(); }, ErrorCode::backend, "OutOfMemory (Requested size");
  expect_error([&] { open(); }, ErrorCode::backend, "add swap");
}

TEST_F(TensorRtTest, SaysWhatToDoWhenTheGpuHasNoMemoryLeft) {
  world().memory = 10;
  expect_error([&] { open(); }, ErrorCode::backend,
               "cannot allocate device memory (out of memory); close other programs");
}

TEST_F(TensorRtTest, ReportsAFrameThatTheEngineFailsOn) {
  const auto engine = open();
  world().runs = false;
  expect_error([&] { engine->start(0); }, ErrorCode::inference, "TensorRT cannot run the frame");
}

// The digest that Python computes for the same key (tests/backends/test_nvidia_key.py).
TEST(EngineKeyTest, HasTheDigestThatPythonGivesIt) {
  const nvidia::EngineKey key{
      std::string(64, 'a'), "tensorrt", "10.3.0", "Orin, sm87", {{"level", "3"}, {"workspace_mb", "all"}}};
  EXPECT_EQ(key.digest(), "1b93e061f14b8f1f");
}

}  // namespace
}  // namespace fcn_edge::test
