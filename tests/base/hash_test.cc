#include "base/hash.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/version.h"

namespace omnigraph::base {
namespace {

TEST(Hash, KnownSha256) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 parts;
  parts.update("a");
  parts.update("bc");
  EXPECT_EQ(to_hex(parts.finish_raw()), sha256_hex("abc"));
}

// Test vectors of the xxHash specification's reference implementation.
TEST(Hash, KnownXxhash) {
  EXPECT_EQ(xxhash64({}), 0xef46db3751d8e999u);
  const std::string_view text = "abc";
  EXPECT_EQ(xxhash64(std::as_bytes(std::span(text))), 0x44bc2cf5ad770999u);
  EXPECT_EQ(hash64(""), 0x2d06800538d394c2u);
  EXPECT_NE(hash64("abc"), hash64("abc", 1));
  EXPECT_EQ(hash128("abc"), hash128("abc"));
  EXPECT_NE(hash128("abc"), hash128("abd"));
}

TEST(Version, IsSemantic) { EXPECT_EQ(std::count(version().begin(), version().end(), '.'), 2); }

}  // namespace
}  // namespace omnigraph::base
