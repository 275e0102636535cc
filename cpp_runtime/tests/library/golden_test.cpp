// The real engine against the golden bundles of tests/golden, which the Python tests read as well.

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "bundle.hpp"
#include "expect_error.hpp"
#include "fcn_edge/fcn_edge.hpp"
#include "fused_tail.hpp"
#include "manifest.hpp"
#include "png_file.hpp"

namespace fcn_edge::test {
namespace fs = std::filesystem;
namespace {

std::vector<fs::path> golden_bundles() {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(GOLDEN_FOLDER)) {
    if (entry.path().extension() == ".fcne") found.push_back(entry.path());
  }
  return found;
}

TEST(GoldenBundle, GivesItsGoldenMasksPixelForPixelUnderEverySchedule) {
  const std::vector<fs::path> bundles = golden_bundles();
  ASSERT_FALSE(bundles.empty());
  for (const fs::path& path : bundles) {
    for (const Schedule schedule : {Schedule::latency, Schedule::throughput}) {
      SCOPED_TRACE(path.string() + (schedule == Schedule::latency ? " latency" : " throughput"));
      Options options;
      options.schedule = schedule;
      options.allow_ungated = true;
      Segmenter segmenter = Segmenter::open(path.string(), options);
      const Bundle bundle = open_bundle(path);
      for (const GoldenFrame& golden : bundle.manifest.golden) {
        const Image frame = read_png(bundle.path(golden.frame), 3);
        const Mask mask = segmenter.run({frame.pixels.data(), frame.width, frame.height, 0});
        EXPECT_EQ(mask.ids, read_png(bundle.path(golden.mask), 1).pixels) << golden.frame;
      }
    }
  }
}

// The same examples as Python's reader takes and refuses (tests/golden/manifests.json).
TEST(GoldenManifests, AreRefusedAndTakenAsByPython) {
  const nlohmann::json examples =
      nlohmann::json::parse(read_small_file(fs::path(GOLDEN_FOLDER) / "manifests.json", 1 << 20));
  const std::string text = read_small_file(fs::path(GOLDEN_FOLDER) / "tiny.fcne/manifest.json", 1 << 20);
  for (const char* verdict : {"refused", "taken"}) {
    ASSERT_FALSE(examples[verdict].empty());
    for (const auto& example : examples[verdict]) {
      SCOPED_TRACE(example.dump());
      nlohmann::json manifest = nlohmann::json::parse(text);
      manifest[nlohmann::json::json_pointer(example["at"].get<std::string>())] = example["value"];
      if (verdict == std::string("taken")) {
        EXPECT_NO_THROW(parse_manifest(manifest.dump()));
      } else {
        expect_error([&] { parse_manifest(manifest.dump()); }, ErrorCode::bundle, "manifest.json has ");
      }
    }
  }
}

// Score maps with the masks that fcn_edge/backends/tail.py, the definition, gave for them.
TEST(GoldenTail, EqualsTheReferenceBitForBit) {
  const fs::path folder = fs::path(GOLDEN_FOLDER) / "tail";
  for (const auto& entry : nlohmann::json::parse(read_small_file(folder / "index.json", 1 << 20))) {
    SCOPED_TRACE(entry.dump());
    const std::string bytes = read_small_file(folder / entry["scores"].get<std::string>(), 1 << 26);
    std::vector<float> scores(bytes.size() / sizeof(float));
    std::memcpy(scores.data(), bytes.data(), bytes.size());  // little-endian, as every machine we run on
    const Image expected = read_png(folder / entry["mask"].get<std::string>(), 1);
    std::vector<std::uint8_t> mask(expected.pixels.size());
    FusedTail(entry["stride"], entry["channels"], entry["score_height"], entry["score_width"],
              entry["height"], entry["width"])
        .run(scores.data(), mask.data());
    EXPECT_EQ(mask, expected.pixels);
  }
}

}  // namespace
}  // namespace fcn_edge::test
