#include "sha256.hpp"

#include <gtest/gtest.h>

#include "expect_error.hpp"
#include "scratch_folder.hpp"

namespace fcn_edge::test {

// The vectors of FIPS 180-4's examples.
TEST(Sha256, GivesThePublishedDigests) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, OfAFileEqualsThatOfItsBytes) {
  const ScratchFolder folder;
  const std::string bytes(700001, '\x7f');  // more than one block, not a multiple of it
  write_text(folder.path() / "file", bytes);
  EXPECT_EQ(sha256_file(folder.path() / "file"), sha256(bytes));
}

TEST(Sha256, OfAMissingFileIsAnError) {
  expect_error([] { sha256_file("/no/such/file"); }, ErrorCode::io, "cannot read /no/such/file");
}

}  // namespace fcn_edge::test
