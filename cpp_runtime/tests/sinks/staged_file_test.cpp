#include "sinks/staged_file.hpp"

#include <gtest/gtest.h>

#include "bundle.hpp"
#include "expect_error.hpp"
#include "scratch_folder.hpp"

namespace fcn_edge::app {
namespace fs = std::filesystem;
namespace {

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST(WriteFile, MakesFoldersAndReplacesWhole) {
  const test::ScratchFolder folder;
  const fs::path path = folder.path() / "a" / "b.txt";
  write_file(path.string(), "first", 5);
  write_file(path.string(), "second", 6);
  EXPECT_EQ(read_small_file(path, 100), "second");
  EXPECT_EQ(files_in(path.parent_path()), 1U);
}

TEST(WriteFile, NamesWhatCannotBeWritten) {
  const test::ScratchFolder folder;
  test::write_text(folder.path() / "file", "x");
  test::expect_error([&] { write_file((folder.path() / "file" / "below").string(), "x", 1); }, ErrorCode::io,
                     "cannot write");
  test::expect_error([&] { write_file(folder.path().string(), "x", 1); }, ErrorCode::io, "Is a directory");
}

TEST(StagedFile, LeavesNothingWithoutCommit) {
  const test::ScratchFolder folder;
  {
    const StagedFile staged((folder.path() / "video.mp4").string());
    EXPECT_EQ(fs::path(staged.temporary()).extension(), ".mp4");
    test::write_text(staged.temporary(), "half a video");
  }
  EXPECT_EQ(files_in(folder.path()), 0U);
}

}  // namespace
}  // namespace fcn_edge::app
