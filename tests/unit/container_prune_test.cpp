// container/io/store: which images go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "container/io/store.hpp"

namespace sweep::container {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kNow = 1'000'000;

Stored image(const std::string& name, std::int64_t bytes, std::int64_t used_ago, int users = 0) {
  Stored out;
  out.name = name;
  out.bytes = bytes;
  out.used_unix = kNow - used_ago;
  out.users = users;
  return out;
}

std::vector<std::string> names(const std::vector<Stored>& images) {
  std::vector<std::string> out;
  for (const Stored& one : images)
    out.push_back(one.name);
  return out;
}

const std::vector<Stored> kImages = {image("a", 10, 500), image("b", 20, 5'000), image("c", 30, 50),
                                     image("d", 40, 9'000, 1)};

TEST(Prune, WithoutLimitsNothingGoes) {
  EXPECT_THAT(to_prune(kImages, {}, kNow), IsEmpty());
}

TEST(Prune, WhatWasNotUsedForSoLong) {
  EXPECT_THAT(names(to_prune(kImages, {Millis(500'000), {}}, kNow)), ElementsAre("b", "a"));
}

TEST(Prune, WhatIsUsedStaysWhateverTheLimit) {
  EXPECT_THAT(names(to_prune(kImages, {Millis(0), 0}, kNow)), ElementsAre("b", "a", "c"));
}

TEST(Prune, DownToASizeThoseUsedLongestAgoFirst) {
  EXPECT_THAT(names(to_prune(kImages, {{}, 75}, kNow)), ElementsAre("b", "a"));
  EXPECT_THAT(names(to_prune(kImages, {{}, 100}, kNow)), IsEmpty());
}

TEST(Prune, WhatIsBrokenGoesFirstAndWhatIsInTheMakingNever) {
  auto images = kImages;
  images[2].problem = "it was cut";
  images[1].in_the_making = true;
  EXPECT_THAT(names(to_prune(images, {}, kNow)), ElementsAre("c"));
  EXPECT_THAT(names(to_prune(images, {Millis(0), {}}, kNow)), ElementsAre("c", "a"));
}

}  // namespace
}  // namespace sweep::container
