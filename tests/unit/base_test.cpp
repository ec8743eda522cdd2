// util: digests, shared texts, times.
#include <gtest/gtest.h>

#include "util/digest.hpp"
#include "util/interned_string.hpp"
#include "util/time.hpp"

namespace sweep {
namespace {

TEST(Digest, EqualsTheOutputOfSha256sum) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_NE(sha256_hex(std::string("a\0b", 3)), sha256_hex("a"));
}

TEST(Digest, PiecesHaveTheSameDigestAsTheWhole) {
  Sha256 digest;
  for (const char* piece : {"a", "", "bc"})
    digest.add(piece);
  EXPECT_EQ(digest.hex(), sha256_hex("abc"));
}

TEST(InternedStrings, EqualTextsShareOneCopyThatOutlivesThem) {
  InternedString one, two(std::string("b200"));
  EXPECT_TRUE(one.empty());
  EXPECT_FALSE(one == two);
  one = std::string_view("b200 and more").substr(0, 4);
  EXPECT_TRUE(one == two);
  EXPECT_EQ(one.str().data(), two.str().data()) << "it is in memory twice";
  EXPECT_TRUE(InternedString() == InternedString(""));
}

TEST(Time, EarlierTreatsNulloptAsNever) {
  const Instant early = from_unix_ms(1'000);
  const Instant late = from_unix_ms(2'000);
  EXPECT_EQ(earlier(early, late), early);
  EXPECT_EQ(earlier(late, early), early);
  EXPECT_EQ(earlier(std::nullopt, late), late);
  EXPECT_EQ(earlier(early, std::nullopt), early);
  EXPECT_EQ(earlier(std::nullopt, std::nullopt), std::nullopt);
  EXPECT_EQ(to_unix_ms(late - Millis(500)), 1'500);
}

}  // namespace
}  // namespace sweep
