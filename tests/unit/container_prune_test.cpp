// container/io/images: which images are removed for which limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "container/io/images.hpp"

namespace sweep::container {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kNow = 1'000'000;

CachedImage image(const std::string& name, std::int64_t bytes, std::int64_t used_ago, int users = 0) {
  CachedImage out;
  out.name = name;
  out.bytes = bytes;
  out.used_unix = kNow - used_ago;
  out.users = users;
  return out;
}

std::vector<std::string> names(const std::vector<CachedImage>& images) {
  std::vector<std::string> out;
  for (const CachedImage& one : images)
    out.push_back(one.name);
  return out;
}

const std::vector<CachedImage> kImages = {image("a", 10, 500), image("b", 20, 5'000), image("c", 30, 50),
                                          image("d", 40, 9'000, 1)};

TEST(Prune, WithoutLimitsNoImageIsRemoved) {
  EXPECT_THAT(images_to_prune(kImages, {}, kNow), IsEmpty());
}

TEST(Prune, UnusedImagesAreRemovedOldestFirst) {
  EXPECT_THAT(names(images_to_prune(kImages, {Millis(500'000), {}}, kNow)), ElementsAre("b", "a"));
}

TEST(Prune, UsedImagesStayWhateverTheLimit) {
  EXPECT_THAT(names(images_to_prune(kImages, {Millis(0), 0}, kNow)), ElementsAre("b", "a", "c"));
}

TEST(Prune, LeastRecentlyUsedImagesAreRemovedDownToTheSize) {
  EXPECT_THAT(names(images_to_prune(kImages, {{}, 75}, kNow)), ElementsAre("b", "a"));
  EXPECT_THAT(names(images_to_prune(kImages, {{}, 100}, kNow)), IsEmpty());
}

TEST(Prune, DamagedImagesAreRemovedFirstAndUnfinishedOnesNever) {
  auto images = kImages;
  images[2].problem = "it is truncated";
  images[1].being_made = true;
  EXPECT_THAT(names(images_to_prune(images, {}, kNow)), ElementsAre("c"));
  EXPECT_THAT(names(images_to_prune(images, {Millis(0), {}}, kNow)), ElementsAre("c", "a"));
}

}  // namespace
}  // namespace sweep::container
