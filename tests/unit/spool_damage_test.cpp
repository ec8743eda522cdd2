// A truncated or bit-flipped spool file is never delivered.
#include <gtest/gtest.h>

#include "agent/io/spool.hpp"
#include "tests/unit/damage_bytes.hpp"
#include "util/text.hpp"

namespace sweep::agent {
namespace {

TEST(SpoolDamage, DamagedFileIsNeverDelivered) {
  wire::Finished finished;
  finished.ref = {"00c0ffee00c0ffee", 2};
  finished.wall_ms = 60'000;
  const std::string bytes = spool_text(finished, "12.0.3", "{\"completed\": 40}\n");
  ASSERT_TRUE(read_spool_text(bytes));
  std::size_t seen = 0;
  each_damage(bytes, bytes.size() + 1, 8 * bytes.size(), [&](const std::string& damaged) {
    const auto left = read_spool_text(damaged);
    ASSERT_FALSE(left) << damaged;
    EXPECT_EQ(printable(left.error().message), left.error().message);
    ++seen;
  });
  EXPECT_GT(seen, 9 * bytes.size());
  EXPECT_FALSE(read_spool_text(bytes + "x"));
}

}  // namespace
}  // namespace sweep::agent
