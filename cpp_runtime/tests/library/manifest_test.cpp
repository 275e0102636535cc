#include "manifest.hpp"

#include <gtest/gtest.h>

#include <ostream>

#include "expect_error.hpp"
#include "library/sample_bundle.hpp"

namespace fcn_edge::test {
namespace {

nlohmann::json complete_manifest() {
  nlohmann::json manifest = sample_manifest();
  for (const char* name : {"model.onnx", "golden/0.png", "golden/0.mask.png"})
    manifest["files"][name] = {{"sha256", std::string(64, 'a')}, {"bytes", 3}};
  return manifest;
}

TEST(Manifest, ReadsEveryField) {
  const Manifest manifest = parse_manifest(complete_manifest().dump());
  EXPECT_EQ(manifest.info.name, "sample");
  EXPECT_EQ(manifest.info.classes.size(), 2U);
  EXPECT_EQ(manifest.info.classes[1].name, "sky");
  EXPECT_EQ(manifest.info.classes[1].rgb[2], 6);
  EXPECT_EQ(manifest.info.height, 16);
  EXPECT_EQ(manifest.info.width, 24);
  EXPECT_EQ(manifest.output.stride, 8);
  EXPECT_EQ(manifest.output.channels, 2);
  EXPECT_EQ(manifest.files.at("model.onnx").bytes, 3U);
  EXPECT_DOUBLE_EQ(manifest.min_agreement, 0.995);
}

struct Damage {
  const char* pointer;  // JSON pointer of the value to replace
  const char* value;    // JSON text to put there
  const char* says;     // part of the refusal
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.pointer << " = " << damage.value; }

class DamagedManifest : public testing::TestWithParam<Damage> {};

TEST_P(DamagedManifest, IsRefusedWithASentenceNamingTheField) {
  nlohmann::json manifest = complete_manifest();
  manifest[nlohmann::json::json_pointer(GetParam().pointer)] = nlohmann::json::parse(GetParam().value);
  expect_error([&] { parse_manifest(manifest.dump()); }, ErrorCode::bundle, GetParam().says);
}

INSTANTIATE_TEST_SUITE_P(
    All, DamagedManifest,
    testing::Values(
        Damage{"/magic", "\"zip\"", "has magic 'zip'"}, Damage{"/schema", "[2, 0]", "schema 2"},
        Damage{"/schema", "[0, 9]", "schema 0"}, Damage{"/schema", "7", "has no schema[0]"},
        Damage{"/name", "\"\"", "name that is empty"}, Damage{"/classes", "[]", "classes of 0 entries"},
        Damage{"/classes", "{}", "classes that is not a list"},
        Damage{"/classes/1/color", "[1, 2]", "has no classes[1].color[2]"},
        Damage{"/classes/1/color/0", "256", "classes[1].color[0] 256"},
        Damage{"/input/height", "0", "input.height 0"}, Damage{"/input/width", "16385", "input.width 16385"},
        Damage{"/input/width", "-24", "input.width -24"},
        Damage{"/input/width", "18446744073709551615", "input.width 18446744073709551615"},
        Damage{"/input/width", "24.5", "input.width that is not an integer"},
        Damage{"/input/layout", "\"NCHW\"", "input.layout 'NCHW'"},
        Damage{"/input/dtype", "\"float32\"", "input.dtype 'float32'"},
        Damage{"/input/resize", "\"area\"", "input.resize 'area'"},
        Damage{"/output/tail", "\"logits\"", "output.tail 'logits'"},
        Damage{"/output/stride", "7", "output.stride 7"}, Damage{"/output/stride", "64", "output.stride 64"},
        Damage{"/output/height", "3", "output.height 3, not 2"},
        Damage{"/output/channels", "3", "output.channels 3, not 2"},
        Damage{"/files", "{}", "does not list 'model.onnx'"},
        Damage{"/files", "[]", "files that is not an object"},
        Damage{"/files/model.onnx/sha256", "\"abc\"", "malformed sha256"},
        Damage{"/files/model.onnx/bytes", "-1", "bytes -1"},
        Damage{"/files/..~1x", R"({"sha256": "", "bytes": 1})", "outside the bundle: '../x'"},
        Damage{"/files/a~1..~1x", R"({"sha256": "", "bytes": 1})", "outside the bundle: 'a/../x'"},
        Damage{"/files/~1etc~1passwd", R"({"sha256": "", "bytes": 1})", "outside the bundle: '/etc/passwd'"},
        Damage{"/files/a\\b", R"({"sha256": "", "bytes": 1})", "outside the bundle"},
        Damage{"/golden/frames", R"([{"frame": "g.png", "mask": "m.png"}])", "does not list 'g.png'"},
        Damage{"/golden/frames", "[]", "golden.frames of 0 entries"},
        Damage{"/golden/min_agreement", "1.5", "golden.min_agreement 1.5"},
        Damage{"/golden/min_agreement", "0", "golden.min_agreement 0"},
        Damage{"/golden/min_agreement", "0.8999", "golden.min_agreement 0.8999"},
        Damage{"/classes/1/name", "\"road\"", "has class name 'road' twice"},
        Damage{"/gate", "null", "has no gate.verdict"}, Damage{"/gate", "{}", "has no gate.verdict"}));

TEST(Manifest, TakesTheLeastAgreementAndNamesThatDifferInCase) {
  nlohmann::json manifest = complete_manifest();
  manifest["golden"]["min_agreement"] = 0.9;
  manifest["classes"][1]["name"] = "Road";
  EXPECT_EQ(parse_manifest(manifest.dump()).min_agreement, 0.9);
}

TEST(Manifest, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "[1, 2", "\xff\xfe", "nan"}) {
    SCOPED_TRACE(text);
    expect_error([&] { parse_manifest(text); }, ErrorCode::bundle, "manifest.json is not valid JSON");
  }
}

TEST(Manifest, RefusesMoreClassesThanIdsInAByte) {
  nlohmann::json manifest = complete_manifest();
  for (int i = 0; i < 256; ++i) manifest["classes"].push_back(manifest["classes"][0]);
  expect_error([&] { parse_manifest(manifest.dump()); }, ErrorCode::bundle, "classes of 258 entries");
}

TEST(Manifest, SurvivesDeepNesting) {
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  expect_error([&] { parse_manifest("{\"magic\":" + deep + "}"); }, ErrorCode::bundle,
               "magic that is not text");
}

}  // namespace
}  // namespace fcn_edge::test
