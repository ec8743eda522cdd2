// controller/plan/image_use: whether benchmarks run in the images of the matrix.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/plan/image_use.hpp"
#include "tests/unit/plan_sample.hpp"

namespace sweep {
namespace {

using testing::StartsWith;

constexpr const char* kImage = "lmsysorg/sglang:v0.5.3rc1-cu129-b200";  // of sample_entry()

profile::ContainerSection container(const std::string& runtime, const std::string& image = "") {
  profile::ContainerSection out;
  out.values.runtime = runtime;
  out.given = {"runtime"};
  if (image.empty()) return out;
  out.values.image = image;
  out.given.insert("image");
  return out;
}

Plan plan_with(const profile::ContainerSection& section) {
  profile::Profile profile;
  profile.container = section;
  return sample_plan({sample_entry(4, 4), sample_entry(4, 8)}, profile);
}

TEST(ImageUse, StartedImageIsThePointsOnlyIfTheProfileTakesItFromThere) {
  EXPECT_TRUE(is_image_of_point(plan_with(container("bwrap")), 0, kImage));
  EXPECT_FALSE(is_image_of_point(plan_with(container("bwrap")), 0, ""));
  EXPECT_FALSE(is_image_of_point(plan_with(container("bwrap")), 0, "other")) << "of an earlier profile";
  EXPECT_FALSE(is_image_of_point(plan_with(container("none")), 0, kImage));
  EXPECT_FALSE(is_image_of_point(plan_with(container("bwrap", "/i/fixed.sqsh")), 0, "/i/fixed.sqsh"));
  EXPECT_TRUE(is_image_of_point(plan_with(container("bwrap", "/i/{image-slug}.sqsh")), 0,
                                "/i/lmsysorg_sglang_v0.5.3rc1-cu129-b200.sqsh"));
}

TEST(ImageUse, NoteIsPrintedOnlyIfPointsRunWithoutTheirImages) {
  EXPECT_EQ(unused_images_note(plan_with(container("bwrap"))), "");
  EXPECT_EQ(unused_images_note(plan_with({})),
            "the images in the matrix are not used, because the profile has no container for them; to run "
            "benchmarks in them, set container: { runtime: auto } in the profile");
}

TEST(ImageUse, NoteCountsThePointsOfRunnersWithoutAContainer) {
  profile::Profile profile;
  profile::Runner in_image, plain;
  in_image.name = "b200";
  in_image.container = container("bwrap");
  plain.name = "h200";
  profile.runners = {in_image, plain};
  ordered_json other = sample_entry(8, 4);
  other["runner"] = "h200";
  const Plan plan = sample_plan({sample_entry(4, 4), sample_entry(4, 8), other}, profile);
  EXPECT_THAT(unused_images_note(plan), StartsWith("the images of 1 of 3 points in the matrix are not used"));
}

}  // namespace
}  // namespace sweep
