// What the TensorRT backend refuses, and what it says then.

#include <gtest/gtest.h>

#include "backends/tensorrt_fixture.hpp"
#include "expect_error.hpp"

namespace fcn_edge::test {
namespace {

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

}  // namespace
}  // namespace fcn_edge::test
