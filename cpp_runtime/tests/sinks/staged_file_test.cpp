#include "sinks/staged_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <future>

#include "bundle.hpp"
#include "expect_error.hpp"
#include "scratch_folder.hpp"

namespace fcn_edge::app {
namespace fs = std::filesystem;
namespace {

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

std::string content(const fs::path& path) { return read_small_file(path, 100); }

TEST(WriteFile, MakesFoldersAndReplacesWhole) {
  const test::ScratchFolder folder;
  const fs::path path = folder.path() / "a" / "b.txt";
  write_file(path.string(), "first", 5);
  write_file(path.string(), "second", 6);
  EXPECT_EQ(content(path), "second");
  EXPECT_EQ(files_in(path.parent_path()), 1U);
}

TEST(WriteFile, NamesWhatCannotBeWritten) {
  const test::ScratchFolder folder;
  test::write_text(folder.path() / "file", "x");
  test::expect_error([&] { write_file((folder.path() / "file" / "below").string(), "x", 1); }, ErrorCode::io,
                     "cannot write");
  test::expect_error([&] { write_file(folder.path().string(), "x", 1); }, ErrorCode::io, "Is a directory");
  test::expect_error([&] { write_file(folder.path().string() + "/", "x", 1); }, ErrorCode::io,
                     "Is a directory");
}

TEST(WriteFile, FollowsLinksToTheirEnd) {
  const test::ScratchFolder folder;
  const fs::path there = folder.path() / "there" / "real.json";
  test::write_text(there, "old");
  fs::create_symlink("there/real.json", folder.path() / "second");
  fs::create_symlink(folder.path() / "second", folder.path() / "first");
  write_file((folder.path() / "first").string(), "new", 3);
  EXPECT_TRUE(fs::is_symlink(folder.path() / "first"));
  EXPECT_TRUE(fs::is_symlink(folder.path() / "second"));
  EXPECT_EQ(content(there), "new");

  fs::remove(there);  // a link to a file that is not there yet makes it
  write_file((folder.path() / "first").string(), "again", 5);
  EXPECT_TRUE(fs::is_symlink(folder.path() / "first"));
  EXPECT_EQ(content(there), "again");
}

TEST(WriteFile, RefusesACircleOfLinks) {
  const test::ScratchFolder folder;
  fs::create_symlink("b", folder.path() / "a");
  fs::create_symlink("a", folder.path() / "b");
  test::expect_error([&] { write_file((folder.path() / "a").string(), "x", 1); }, ErrorCode::io,
                     "symbolic links");
}

TEST(WriteFile, KeepsAFilePrivate) {
  const test::ScratchFolder folder;
  const fs::path path = folder.path() / "report.json";
  test::write_text(path, "old");
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  write_file(path.string(), "new", 3);
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST(WriteFile, WritesThroughDevices) {
  const test::ScratchFolder folder;
  fs::create_symlink("/dev/null", folder.path() / "nothing");
  write_file((folder.path() / "nothing").string(), "x", 1);
  EXPECT_TRUE(fs::is_symlink(folder.path() / "nothing"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  // A node of our own would need root; a link to the kernel's is replaced by whoever replaces.
  fs::create_symlink("/dev/full", folder.path() / "full");
  test::expect_error([&] { write_file((folder.path() / "full").string(), "x", 1); }, ErrorCode::io,
                     "No space left");
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST(WriteFile, WritesThroughNamedPipes) {
  const test::ScratchFolder folder;
  const fs::path pipe = folder.path() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  auto reading = std::async(std::launch::async, [&] {
    std::array<char, 16> text{};
    const int fd = ::open(pipe.c_str(), O_RDONLY);
    const ssize_t got = ::read(fd, text.data(), text.size());
    ::close(fd);
    return std::string(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  });
  write_file(pipe.string(), "report", 6);
  EXPECT_TRUE(fs::is_fifo(pipe));
  if (!fs::is_fifo(pipe)) ::mkfifo(pipe.c_str(), 0600);
  EXPECT_EQ(reading.get(), "report");
}

// What a shell gives for >(command) and 3>>file: the open file is meant, whatever its name leads to.
TEST(WriteFile, WritesIntoOpenFilesOfTheProcess) {
  const test::ScratchFolder folder;
  const fs::path log = folder.path() / "log";
  test::write_text(log, "before ");
  const int fd = ::open(log.c_str(), O_WRONLY | O_APPEND);
  write_file("/dev/fd/" + std::to_string(fd), "after", 5);
  fs::remove(log);  // the file lives on without a name; none is made for it
  write_file("/proc/self/fd/" + std::to_string(fd), "!", 1);
  EXPECT_EQ(files_in(folder.path()), 0U);
  EXPECT_EQ(::lseek(fd, 0, SEEK_END), 13);
  ::close(fd);
  test::expect_error([&] { write_file("/dev/fd/" + std::to_string(fd), "x", 1); }, ErrorCode::io,
                     "Bad file descriptor");
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

TEST(StagedFile, HasAnotherNameEveryTime) {
  const test::ScratchFolder folder;
  const std::string path = (folder.path() / "video.mp4").string();
  const StagedFile first(path);
  const StagedFile second(path);
  EXPECT_NE(first.temporary(), second.temporary());
  EXPECT_TRUE(fs::is_regular_file(first.temporary()));  // it is there already, and nobody else's
}

TEST(StagedFile, TakesTheLongestNames) {
  const test::ScratchFolder folder;
  const fs::path path = folder.path() / (std::string(251, 'n') + ".txt");
  write_file(path.string(), "x", 1);
  EXPECT_EQ(content(path), "x");
}

TEST(StagedFile, IsCopiedThroughToADevice) {
  const test::ScratchFolder folder;
  fs::create_symlink("/dev/null", folder.path() / "nothing");
  std::string temporary;
  {
    StagedFile staged((folder.path() / "nothing").string(), ".mp4");
    temporary = staged.temporary();
    EXPECT_EQ(fs::path(temporary).extension(), ".mp4");
    test::write_text(temporary, "a video");
    staged.commit();
  }
  EXPECT_FALSE(fs::exists(temporary));
  EXPECT_TRUE(fs::is_symlink(folder.path() / "nothing"));
}

}  // namespace
}  // namespace fcn_edge::app
