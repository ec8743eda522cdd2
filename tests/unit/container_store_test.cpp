// container/io/store: an entry is complete or absent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/io/images.hpp"
#include "container/io/store.hpp"
#include "tests/unit/net_folder.hpp"

namespace sweep::container {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Stores : public InFolder {
 protected:
  Store store() {
    return {path("cache"), [this](const StageProgress& progress) { told_.push_back(progress.what); }};
  }
  /// Returns an entry whose `make` writes `bytes` and whose check requires that they begin with "good".
  WantedEntry wanted(const std::string& bytes = "good one") {
    WantedEntry out;
    out.name = "a.sqsh";
    out.make = [this, bytes](const std::string& part) -> Expected<void> {
      ++made_;
      return write_file_atomic(part, bytes);
    };
    out.check = [](const std::string& at) -> Expected<void> {
      SWEEP_ASSIGN(const auto text, read_file(at, 100));
      if (text.starts_with("good")) return {};
      return fail("'" + at + "' was cut");
    };
    return out;
  }
  std::vector<std::string> cached() const {
    std::vector<std::string> out;
    for (const auto& item : std::filesystem::directory_iterator(path("cache")))
      out.push_back(item.path().filename().string());
    return out;
  }
  std::vector<std::string> told_;
  int made_ = 0;
};

TEST_F(Stores, EntryIsMadeOnceAndThenFound) {
  auto first = store().ensure(wanted());
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(*first, path("cache/a.sqsh"));
  ASSERT_TRUE(store().ensure(wanted()));
  EXPECT_EQ(made_, 1);
  EXPECT_THAT(cached(), ElementsAre("a.sqsh"));
}

TEST_F(Stores, DamagedEntryIsMadeAgain) {
  ASSERT_TRUE(make_directories(path("cache")));
  put("cache/a.sqsh", "bad");
  ASSERT_TRUE(store().ensure(wanted()));
  EXPECT_EQ(*read_file(path("cache/a.sqsh"), 100), "good one");
  EXPECT_THAT(cached(), ElementsAre("a.sqsh"));
}

TEST_F(Stores, FailedImportLeavesNoFile) {
  auto bad = wanted();
  bad.make = [](const std::string& part) -> Expected<void> {
    std::ignore = write_file_atomic(part, "half");
    ::mkdir((part + std::string(kHelpers)).c_str(), 0700);
    return fail("no network");
  };
  EXPECT_EQ(store().ensure(bad).error().message, "no network");
  EXPECT_THAT(store().ensure(wanted("bad")).error().message, HasSubstr("was cut"));
  EXPECT_THAT(cached(), IsEmpty());
}

TEST_F(Stores, FreeSpaceIsCheckedFirst) {
  auto large = wanted();
  large.room_bytes = INT64_MAX / 2;
  EXPECT_THAT(store().ensure(large).error().message,
              HasSubstr("not enough space in '" + path("cache") + "'"));
  EXPECT_EQ(made_, 0);
}

TEST_F(Stores, FilesOfADeadImportAreRemovedByTheNextOne) {
  ASSERT_TRUE(make_directories(path("cache/.a.sqsh.part.") +
                               token_text({token_of(::getpid()).host, 4'000'000, "1"}) + ".tmp/layers"));
  put("cache/.a.sqsh.part." + token_text({token_of(::getpid()).host, 4'000'000, "1"}), "half");
  put("cache/.a.sqsh.claim.1", token_text({token_of(::getpid()).host, 4'000'000, "1"}));
  ASSERT_TRUE(store().ensure(wanted()));
  EXPECT_THAT(cached(), ElementsAre("a.sqsh"));
}

TEST_F(Stores, FolderCanBeAnEntry) {
  auto folder = wanted();
  folder.name = "a.root";
  folder.make = [](const std::string& part) -> Expected<void> {
    if (const auto made = make_directories(part + "/locked"); !made) return made;
    ::chmod((part + "/locked").c_str(), 0);
    return {};
  };
  folder.check = [](const std::string& at) -> Expected<void> {
    return std::filesystem::is_directory(at) ? Expected<void>() : fail("no folder");
  };
  ASSERT_TRUE(store().ensure(folder));
  const auto images = list_images(path("cache"));
  ASSERT_TRUE(images);
  ASSERT_EQ(images->size(), 1U);
  EXPECT_TRUE(remove_image(path("cache"), (*images)[0]));
  EXPECT_THAT(cached(), IsEmpty());
}

TEST_F(Stores, ListHasEntriesAndLeftovers) {
  ASSERT_TRUE(store().ensure(wanted()));
  store().set_info("a.sqsh", {"team/a:1", "d:1", 8});
  store().mark_used("a.sqsh", ::getpid());
  put("cache/.b.sqsh.part." + token_text({token_of(::getpid()).host, 4'000'000, "1"}), "half");
  put("cache/.c.sqsh.user." + token_text({token_of(::getpid()).host, 4'000'000, "1"}), "");
  put("cache/.c.sqsh.claim.1", "x");
  put("cache/notes.txt", "not ours");
  const auto images = list_images(path("cache"));
  ASSERT_TRUE(images);
  ASSERT_EQ(images->size(), 3U);
  const CachedImage &left = (*images)[0], &whole = (*images)[1], &coming = (*images)[2];
  EXPECT_THAT(left.name, HasSubstr(".b.sqsh.part."));
  EXPECT_THAT(left.problem, HasSubstr("an import whose process died"));
  EXPECT_EQ(whole.name, "a.sqsh");
  EXPECT_EQ(whole.image, "team/a:1");
  EXPECT_EQ(whole.users, 1);
  EXPECT_THAT(whole.problem, HasSubstr("too few for a squash file"));
  EXPECT_EQ(coming.name, "c.sqsh");
  EXPECT_TRUE(coming.being_made);
  EXPECT_EQ(coming.users, 0);
}

TEST_F(Stores, MarksOfEndedProcessesAreRemoved) {
  ASSERT_TRUE(store().ensure(wanted()));
  const std::string here = token_of(::getpid()).host;
  put("cache/.a.sqsh.user." + token_text({here, 4'000'000, "1"}), "");
  put("cache/.a.sqsh.user." + token_text({"elsewhere+1+1", 4'000'000, "1"}), "");
  store().mark_used("a.sqsh", ::getpid());
  EXPECT_THAT(cached(), testing::UnorderedElementsAre("a.sqsh", ".a.sqsh.user.elsewhere+1+1~4000000~1",
                                                      ".a.sqsh.user." + token_text(token_of(::getpid()))));
}

TEST_F(Stores, MissingFolderIsNamed) {
  EXPECT_THAT(list_images(path("none")).error().message, HasSubstr(path("none")));
}

}  // namespace
}  // namespace sweep::container
