// agent/io/git_commit: the commit of a work tree, read from the files that git writes.
#include <gtest/gtest.h>

#include "agent/io/git_commit.hpp"
#include "tests/unit/net_folder.hpp"

namespace sweep::agent {
namespace {

const std::string kOne(40, '1'), kTwo(40, '2');

class GitCommit : public InFolder {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    put(name, text);
  }
  std::string of(const std::string& folder) { return git_commit(path(folder)); }
};

TEST_F(GitCommit, IsReadFromABranchsRef) {
  write("w/.git/HEAD", "ref: refs/heads/main\n");
  write("w/.git/refs/heads/main", kOne + "\n");
  write("w/deep/down/file", "");
  EXPECT_EQ(of("w"), kOne);
  EXPECT_EQ(of("w/"), kOne);
  EXPECT_EQ(of("w/deep/down"), kOne);
}

TEST_F(GitCommit, IsReadFromPackedRefsAndDetachedHead) {
  write("w/.git/HEAD", "ref: refs/heads/main\n");
  write("w/.git/packed-refs", "# pack-refs with: peeled\n" + kTwo + " refs/heads/other\n" + kOne +
                                  " refs/heads/main\n^" + kTwo + "\n");
  EXPECT_EQ(of("w"), kOne);
  write("w/.git/HEAD", kTwo + "\n");
  EXPECT_EQ(of("w"), kTwo);
}

TEST_F(GitCommit, IsReadInAdditionalWorkTreesAndSubmodules) {
  write("main/.git/worktrees/t/HEAD", "ref: refs/heads/topic\n");
  write("main/.git/worktrees/t/commondir", "../..\n");
  write("main/.git/refs/heads/topic", kOne + "\n");
  write("t/.git", "gitdir: " + path("main/.git/worktrees/t") + "\n");
  EXPECT_EQ(of("t"), kOne);
  write("main/.git/modules/sub/HEAD", kTwo + "\n");
  write("main/sub/.git", "gitdir: ../.git/modules/sub\n");
  EXPECT_EQ(of("main/sub"), kTwo);
}

TEST_F(GitCommit, IsEmptyWithoutARepository) {
  write("plain/file", "");
  // The test's folder may itself be in a work tree. An unreadable .git in between ends the search.
  write("broken/.git/HEAD", "ref: refs/heads/none\n");
  EXPECT_EQ(of("broken"), "");
  write("broken/.git/HEAD", "ref: ../../../etc/passwd\n");
  EXPECT_EQ(of("broken"), "");
  write("broken/.git/HEAD", "no commit at all\n");
  EXPECT_EQ(of("broken"), "");
  write("loop/.git/HEAD", "ref: HEAD\n");
  EXPECT_EQ(of("loop"), "");
  EXPECT_EQ(git_commit("/proc"), "");
}

}  // namespace
}  // namespace sweep::agent
