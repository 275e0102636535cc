#include "manifest.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "fcn_edge/error.hpp"
#include "json_field.hpp"

namespace fcn_edge {
namespace {

constexpr int kSchemaMajor = 1;
constexpr int kMaxSide = 16384;   // pixels: above this a manifest is damaged, not ambitious
constexpr int kMaxClasses = 255;  // ids are bytes and 255 is void
constexpr std::size_t kMaxFiles = 4096;
constexpr std::size_t kMaxGolden = 64;
constexpr double kLeastAgreement = 0.9;  // a self-test that less would pass tests nothing
constexpr std::int64_t kMaxFileBytes = std::int64_t{1} << 34;

// A path of the manifest is relative, has forward slashes, and never climbs.
void check_path(const std::string& path) {
  const bool absolute = path.empty() || path.front() == '/';
  const std::string slashed = "/" + path + "/";
  const bool climbs = slashed.find("/../") != std::string::npos || slashed.find("/./") != std::string::npos;
  const bool odd = slashed.find("//") != std::string::npos || path.find('\\') != std::string::npos ||
                   path.find('\0') != std::string::npos;
  if (absolute || climbs || odd) refuse("names a path outside the bundle: '" + path + "'");
}

void read_schema(const Field& root) {
  if (root["magic"].text() != "fcn-edge-bundle") refuse("has magic '" + root["magic"].text() + "'");
  const int major = root["schema"][0].integer(0, 1 << 20);
  if (major == kSchemaMajor) return;
  throw Error(ErrorCode::bundle,
              "manifest.json has schema " + std::to_string(major) + ", this version reads schema " +
                  std::to_string(kSchemaMajor),
              major > kSchemaMajor ? "update fcn-edge-stream" : "compile the bundle again");
}

std::vector<ClassInfo> read_classes(const Field& list) {
  std::vector<ClassInfo> classes;
  const std::size_t count = list.size(2, kMaxClasses);
  for (std::size_t i = 0; i < count; ++i) {
    ClassInfo info;
    info.name = list[i]["name"].text();
    const auto twin = std::find_if(classes.begin(), classes.end(),
                                   [&info](const ClassInfo& other) { return other.name == info.name; });
    if (twin != classes.end()) refuse("has class name '" + info.name + "' twice");
    for (std::size_t c = 0; c < 3; ++c) {
      info.rgb[c] = static_cast<std::uint8_t>(list[i]["color"][c].integer(0, 255));
    }
    classes.push_back(std::move(info));
  }
  return classes;
}

void read_input(const Field& input, Manifest& manifest) {
  manifest.input_name = input["name"].text();
  manifest.info.height = input["height"].integer(1, kMaxSide);
  manifest.info.width = input["width"].integer(1, kMaxSide);
  input["layout"].must_be("NHWC");
  input["dtype"].must_be("uint8");
  input["color"].must_be("BGR");
  input["resize"].must_be("linear");
}

int ceil_div(int a, int b) { return (a + b - 1) / b; }

OutputSpec read_output(const Field& output, const BundleInfo& info) {
  OutputSpec spec;
  const std::string tail = output["tail"].text();
  if (tail != "scores" && tail != "mask") refuse("has output.tail '" + tail + "', not scores or mask");
  spec.tail = tail == "scores" ? Tail::scores : Tail::mask;
  spec.name = output["name"].text();
  if (spec.tail == Tail::mask) return spec;

  spec.stride = output["stride"].integer(1, 32);
  constexpr std::array<int, 5> kStrides{1, 4, 8, 16, 32};
  if (std::find(kStrides.begin(), kStrides.end(), spec.stride) == kStrides.end()) {
    refuse("has output.stride " + std::to_string(spec.stride) + ", not 1, 4, 8, 16 or 32");
  }
  const int height = ceil_div(info.height, spec.stride);
  const int width = ceil_div(info.width, spec.stride);
  const int channels = static_cast<int>(info.classes.size());
  spec.height = output["height"].integer(height, height);
  spec.width = output["width"].integer(width, width);
  spec.channels = output["channels"].integer(channels, channels);
  return spec;
}

std::map<std::string, FileEntry> read_files(const Field& files) {
  std::map<std::string, FileEntry> entries;
  for (const std::string& name : files.keys(kMaxFiles)) {
    check_path(name);
    FileEntry entry;
    entry.sha256 = files[name]["sha256"].text();
    if (entry.sha256.size() != 64) refuse("has a malformed sha256 for " + name);
    entry.bytes = static_cast<std::uint64_t>(files[name]["bytes"].integer64(0, kMaxFileBytes));
    entries.emplace(name, std::move(entry));
  }
  return entries;
}

void read_golden(const Field& golden, Manifest& manifest) {
  const Field frames = golden["frames"];
  const std::size_t count = frames.size(1, kMaxGolden);
  for (std::size_t i = 0; i < count; ++i) {
    manifest.golden.push_back({frames[i]["frame"].text(), frames[i]["mask"].text()});
  }
  manifest.min_agreement = golden["min_agreement"].number(kLeastAgreement, 1.0);
}

// Whatever the runtime opens must be under a hash.
void check_hashed(const Manifest& manifest, const std::string& name) {
  if (manifest.files.count(name) == 0) refuse("does not list '" + name + "' under files");
}

}  // namespace

Manifest parse_manifest(const std::string& text) {
  const nlohmann::json document = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded()) refuse("is not valid JSON");
  const Field root(document, "");
  read_schema(root);

  Manifest manifest;
  manifest.info.name = root["name"].text();
  manifest.info.classes = read_classes(root["classes"]);
  manifest.info.void_id = root["void_id"].integer(0, 255);
  manifest.info.precision = root["precision"].text();
  manifest.info.target = root["target"].text();
  manifest.info.gate = root["gate"]["verdict"].text();
  read_input(root["input"], manifest);
  manifest.output = read_output(root["output"], manifest.info);
  manifest.files = read_files(root["files"]);
  read_golden(root["golden"], manifest);

  check_hashed(manifest, "model.onnx");
  for (const GoldenFrame& golden : manifest.golden) {
    check_hashed(manifest, golden.frame);
    check_hashed(manifest, golden.mask);
  }
  return manifest;
}

}  // namespace fcn_edge
