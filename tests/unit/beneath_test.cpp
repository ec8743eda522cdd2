// Files below a directory in which others can write: no link is followed and no FIFO waited for.
#include "util/os/beneath.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/unit/net_folder.hpp"
#include "util/os/private_folder.hpp"

namespace sweep {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Beneath : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    for (const char* name : {"out", "private"})
      ASSERT_EQ(::mkdir(path(name).c_str(), 0755), 0);
    put("private/file", "mine");
    root_ = path("out");
  }
  std::string bytes(const std::string& name) const {
    return read_file(path(name), 1 << 20).value_or("(none)");
  }
  static std::string problem(const Expected<void>& done) { return done ? "" : done.error().message; }

  std::string root_;
};

TEST_F(Beneath, ATreeIsRemovedWithoutFollowingLinks) {
  ASSERT_TRUE(make_folders_beneath(root_, "a/b/c"));
  ASSERT_TRUE(write_beneath(root_, "a/b/file", "x"));
  std::filesystem::create_symlink(path("private"), root_ + "/a/b/link");
  EXPECT_EQ(problem(remove_tree_beneath(root_, "a")), "");
  EXPECT_FALSE(std::filesystem::exists(root_ + "/a"));
  EXPECT_EQ(bytes("private/file"), "mine");
  EXPECT_EQ(problem(remove_tree_beneath(root_, "a")), "");
  EXPECT_EQ(problem(remove_tree_beneath(root_, "none/b")), "");
  std::filesystem::create_symlink(path("private"), root_ + "/link");
  EXPECT_NE(problem(remove_tree_beneath(root_, "link/file")) + bytes("private/file"), "");
  EXPECT_EQ(bytes("private/file"), "mine");
  EXPECT_EQ(problem(remove_tree_beneath(root_, "link")), "");
  EXPECT_FALSE(std::filesystem::exists(root_ + "/link"));
}

TEST_F(Beneath, FilesAreCreatedAppendedAndReplaced) {
  ASSERT_TRUE(make_folders_beneath(root_, "logs/deep"));
  ASSERT_TRUE(make_folders_beneath(root_, "logs/deep"));
  ASSERT_TRUE(append_beneath(root_, "logs/a", "1"));
  ASSERT_TRUE(append_beneath(root_, "logs/a", "2"));
  EXPECT_EQ(bytes("out/logs/a"), "12");
  ASSERT_TRUE(write_beneath(root_, "logs/deep/b", "3"));
  ASSERT_TRUE(write_beneath(root_, "logs/deep/b", "4"));
  EXPECT_EQ(bytes("out/logs/deep/b"), "4");
  ASSERT_TRUE(rename_beneath(root_, "logs/a", "c"));
  EXPECT_EQ(bytes("out/c"), "12");
  EXPECT_THAT(names_beneath(root_, ""), UnorderedElementsAre("logs", "c"));
  EXPECT_THAT(names_beneath(root_, "logs"), UnorderedElementsAre("deep"));
  ASSERT_TRUE(remove_beneath(root_, "c"));
  ASSERT_TRUE(remove_beneath(root_, "c"));
  EXPECT_EQ(bytes("out/c"), "(none)");
  const std::string large(1 << 20, 'x');
  FileBeneath file(root_, "large");
  file.write("a");
  file.write(large);
  ASSERT_TRUE(file.finish());
  EXPECT_EQ(read_file(path("out/large"), 2 << 20).value_or(""), "a" + large);
}

TEST_F(Beneath, AFileThatIsNotFinishedLeavesNothing) {
  { FileBeneath(root_, "a").write("1"); }
  EXPECT_THAT(names_beneath(root_, ""), IsEmpty());
}

TEST_F(Beneath, LinksAreNotFollowed) {
  ASSERT_EQ(::symlink("../private/file", path("out/a").c_str()), 0);
  EXPECT_THAT(problem(append_beneath(root_, "a", "x")), HasSubstr("symbolic link"));
  EXPECT_FALSE(open_beneath(root_, "a", O_RDONLY));
  ASSERT_TRUE(write_beneath(root_, "a", "x"));
  EXPECT_EQ(bytes("out/a"), "x") << "the link itself is replaced";
  EXPECT_EQ(bytes("private/file"), "mine");
}

TEST_F(Beneath, FoldersThatAreLinksAreNotFollowed) {
  ASSERT_EQ(::symlink("../private", path("out/logs").c_str()), 0);
  EXPECT_THAT(problem(append_beneath(root_, "logs/file", "x")),
              HasSubstr("out/logs': it is a symbolic link"));
  EXPECT_THAT(problem(write_beneath(root_, "logs/file", "x")), HasSubstr("symbolic link"));
  EXPECT_THAT(problem(make_folders_beneath(root_, "logs")), HasSubstr("symbolic link"));
  EXPECT_THAT(problem(remove_beneath(root_, "logs/file")), HasSubstr("symbolic link"));
  EXPECT_FALSE(rename_beneath(root_, "logs/file", "here"));
  EXPECT_THAT(names_beneath(root_, "logs"), IsEmpty());
  EXPECT_EQ(bytes("private/file"), "mine");
}

TEST_F(Beneath, FifosAndHardLinksAreRefusedWithoutWaiting) {
  ASSERT_EQ(::mkfifo(path("out/fifo").c_str(), 0666), 0);
  EXPECT_THAT(problem(append_beneath(root_, "fifo", "x")), HasSubstr("not a regular file"));
  const Fd reader(::open(path("out/fifo").c_str(), O_RDONLY | O_NONBLOCK));
  EXPECT_THAT(problem(append_beneath(root_, "fifo", "x")), HasSubstr("not a regular file"));
  ASSERT_EQ(::link(path("private/file").c_str(), path("out/hard").c_str()), 0);
  EXPECT_THAT(problem(append_beneath(root_, "hard", "x")), HasSubstr("hard link"));
  EXPECT_EQ(bytes("private/file"), "mine");
}

TEST_F(Beneath, TemporaryFilePlantedByAnotherIsReplaced) {
  ASSERT_EQ(::symlink("../private/file", (path("out/a.tmp-") + std::to_string(::getpid())).c_str()), 0);
  ASSERT_TRUE(write_beneath(root_, "a", "x"));
  EXPECT_EQ(bytes("out/a"), "x");
  EXPECT_EQ(bytes("private/file"), "mine");
}

TEST_F(Beneath, RootMayBeALinkOfItsUserOnly) {
  ASSERT_EQ(::symlink("out", path("link").c_str()), 0);
  ASSERT_TRUE(append_beneath(path("link"), "a", "1"));
  EXPECT_EQ(bytes("out/a"), "1");
  ASSERT_TRUE(append_beneath(path("link") + "/", "a", "2"));
  EXPECT_EQ(bytes("out/a"), "12");
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to change the owner";
  ASSERT_EQ(::lchown(path("link").c_str(), 12'345, 12'345), 0);
  EXPECT_THAT(problem(append_beneath(path("link"), "a", "3")), HasSubstr("symbolic link of uid 12345"));
  EXPECT_EQ(bytes("out/a"), "12");
}

TEST_F(Beneath, FailuresNameTheFile) {
  put("out/file", "");
  EXPECT_THAT(problem(append_beneath(root_, "file/a", "x")), HasSubstr("out/file'"));
  EXPECT_THAT(problem(append_beneath(path("none"), "a", "x")), HasSubstr("none'"));
  ASSERT_EQ(::mkdir(path("out/folder").c_str(), 0755), 0);
  EXPECT_THAT(problem(write_beneath(root_, "folder", "x")), HasSubstr("cannot write '" + root_ + "/folder'"));
}

class PrivateFolders : public InFolder {};

TEST_F(PrivateFolders, ATakenNameIsReplacedByTheNextAndThatIsSaidOnce) {
  const auto first = private_folder(folder_, "mine");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->path, path("mine"));
  EXPECT_EQ(first->note, "");
  ASSERT_EQ(::chmod(path("mine").c_str(), 0755), 0);
  ASSERT_EQ(::symlink("mine", path("mine-2").c_str()), 0);
  const auto third = private_folder(folder_, "mine");
  ASSERT_TRUE(third);
  EXPECT_EQ(third->path, path("mine-3"));
  EXPECT_EQ(third->note, "cannot use '" + path("mine") + "': other users have access to it; using '" +
                             path("mine-3") + "' instead");
  const auto again = private_folder(folder_, "mine");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->path, third->path);
  EXPECT_EQ(again->note, "");
}

TEST_F(PrivateFolders, AMissingDirectoryIsReported) {
  const auto none = private_folder(path("none"), "mine");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, HasSubstr("cannot create '" + path("none") + "/mine'"));
}

}  // namespace
}  // namespace sweep
