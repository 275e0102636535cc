#include "bundle.hpp"

#include <gtest/gtest.h>

#include "expect_error.hpp"
#include "library/sample_bundle.hpp"

namespace fcn_edge::test {
namespace fs = std::filesystem;
namespace {

class BundleFolder : public testing::Test {
 protected:
  void SetUp() override { write_sample_bundle(folder()); }
  const fs::path& folder() const { return scratch_.path(); }

  void expect_refused(ErrorCode code, const std::string& says) {
    expect_error([this] { open_bundle(folder()); }, code, says);
  }

 private:
  ScratchFolder scratch_;
};

TEST_F(BundleFolder, OpensWhenWhole) { EXPECT_EQ(open_bundle(folder()).manifest.info.name, "sample"); }

TEST_F(BundleFolder, WithOneFlippedByteIsRefusedByName) {
  write_text(folder() / "model.onnx", "stand-in modem");
  expect_refused(ErrorCode::tampered, "model.onnx does not match its SHA-256");
}

TEST_F(BundleFolder, WithATruncatedFileIsRefusedByName) {
  write_text(folder() / "model.onnx", "stand-in");
  expect_refused(ErrorCode::tampered, "model.onnx has 8 bytes, the manifest says 14");
}

TEST_F(BundleFolder, WithoutAListedFileIsRefusedByName) {
  fs::remove(folder() / "model.onnx");
  expect_refused(ErrorCode::tampered, "model.onnx is missing");
}

TEST_F(BundleFolder, WithAnEditedManifestIsRefused) {
  nlohmann::json manifest = sample_manifest();
  list_file(manifest, folder(), "model.onnx");
  manifest["gate"]["verdict"] = "edited";
  write_text(folder() / "manifest.json", manifest.dump());
  expect_refused(ErrorCode::tampered, "manifest.json does not match manifest.sha256");
}

TEST_F(BundleFolder, WithoutManifestHashIsRefused) {
  fs::remove(folder() / "manifest.sha256");
  expect_refused(ErrorCode::io, "manifest.sha256");
}

TEST_F(BundleFolder, WithAnEngineTheManifestDoesNotListIsRefused) {
  write_text(folder() / "engines" / "tensorrt" / "0123.engine", "code of somebody else");
  expect_refused(ErrorCode::tampered, "engines/tensorrt/0123.engine is not in the bundle's manifest");
}

TEST_F(BundleFolder, WithALinkedFolderUnderEnginesIsRefused) {
  const ScratchFolder outside;
  write_text(outside.path() / "tensorrt" / "0123.engine", "code of somebody else");
  fs::create_directory_symlink(outside.path(), folder() / "engines");
  expect_refused(ErrorCode::tampered, "engines is a link to a folder");
  for (const char* place : {"engines/tensorrt", "engines/a/b"}) {
    SCOPED_TRACE(place);
    fs::remove_all(folder() / "engines");
    fs::create_directories((folder() / place).parent_path());
    fs::create_directory_symlink(outside.path() / "tensorrt", folder() / place);
    expect_refused(ErrorCode::tampered, std::string(place) + " is a link to a folder");
  }
}

TEST_F(BundleFolder, WithALinkLeadingOutIsRefused) {
  const ScratchFolder outside;
  write_text(outside.path() / "model.onnx", "stand-in model");
  fs::remove(folder() / "model.onnx");
  fs::create_symlink(outside.path() / "model.onnx", folder() / "model.onnx");
  expect_refused(ErrorCode::tampered, "model.onnx leads out of the bundle");
}

TEST_F(BundleFolder, WithALinkThatStaysInsideOpens) {
  fs::rename(folder() / "model.onnx", folder() / "blob");
  fs::create_symlink("blob", folder() / "model.onnx");
  EXPECT_NO_THROW(open_bundle(folder()));
}

TEST_F(BundleFolder, WithAFolderInPlaceOfAFileIsRefused) {
  fs::remove(folder() / "model.onnx");
  fs::create_directory(folder() / "model.onnx");
  expect_refused(ErrorCode::tampered, "model.onnx is not a file");
}

TEST(Bundle, ThatDoesNotExistIsRefused) {
  expect_error([] { open_bundle("/no/such.fcne"); }, ErrorCode::misuse, "no such bundle: /no/such.fcne");
}

TEST(Bundle, ThatIsAnotherFolderIsRefused) {
  const ScratchFolder folder;
  expect_error([&] { open_bundle(folder.path()); }, ErrorCode::bundle, "is not a bundle");
}

}  // namespace
}  // namespace fcn_edge::test
