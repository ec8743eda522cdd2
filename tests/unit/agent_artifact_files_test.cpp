// agent/io/artifact_files on real folders, and the files in the spool.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "agent/io/artifact_files.hpp"
#include "agent/io/spool.hpp"
#include "tests/unit/net_folder.hpp"

namespace sweep::agent {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class ArtifactFiles : public InFolder {
 protected:
  /// Writes a file, and makes the folders above it.
  void place(const std::string& name, const std::string& bytes) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    put(name, bytes);
  }
  void SetUp() override {
    InFolder::SetUp();
    fs::create_directories(path("work/results/deep"));
    fs::create_directories(path("work/src/results"));
    work_ = path("work");
    spool_ = path("spool");
  }
  std::vector<std::string> names(const std::string& own = "") const {
    std::vector<std::string> out;
    for (const FoundFile& file : find_artifacts(work_, own))
      out.push_back((file.own ? "own " : "") + file.name + (file.regular ? "" : " special"));
    return out;
  }
  CollectFiles request(std::vector<FoundFile> old_files = {}, std::int64_t most = 100'000'000) const {
    return {{"p", 1}, work_, "", "r.json", std::move(old_files), most};
  }
  /// Returns 20 MB.
  static std::string many(char c) {
    std::string out;
    out.resize(20'000'000, c);
    return out;
  }
  /// Copies until it is reported.
  FilesCollected copy(const CollectFiles& what) {
    std::optional<FilesCollected> out;
    ArtifactCopier copier([&](const Input& input) { out = std::get<FilesCollected>(input); });
    copier.start(what, spool_);
    while (copier.active())
      copier.step();
    EXPECT_TRUE(out);
    return out.value_or(FilesCollected{});
  }
  std::string copied(int n) const {
    return read_file(spool_ + "/" + std::to_string(n), 100'000'000).value_or("(none)");
  }

  std::string work_, spool_;
};

TEST_F(ArtifactFiles, OnlyFilesOfTheKnownNamesAreFound) {
  for (const char* name : {"work/server.log", "work/other.txt", "work/results/a", "work/results/deep/b",
                           "work/src/results/x", "work/src/meta_env.json"})
    place(name, "x");
  EXPECT_THAT(names(), UnorderedElementsAre("server.log", "results/a", "results/deep/b"));
}

TEST_F(ArtifactFiles, LinksAreFoundButNotFollowed) {
  place("secret/meta_env.json", "x");
  fs::create_symlink(path("secret"), path("work/results/link"));
  fs::create_symlink(path("secret/meta_env.json"), path("work/meta_env.json"));
  ASSERT_EQ(::mkfifo(path("work/server.log").c_str(), 0600), 0);
  EXPECT_THAT(names(),
              UnorderedElementsAre("results/link special", "meta_env.json special", "server.log special"));
  const auto collected = copy(request());
  EXPECT_THAT(collected.files, IsEmpty());
  EXPECT_EQ(collected.left_out.size(), 3u);
}

TEST_F(ArtifactFiles, TheOwnFolderIsMadeOnceAndRemovedWithItsContent) {
  const std::string own = ".slurm-sweep/s.p.1";
  ASSERT_TRUE(create_own_folder(work_, own));
  EXPECT_FALSE(create_own_folder(work_, own)) << "another attempt has it";
  place("work/" + own + "/results/server.log", "x");
  place("work/" + own + "/gpu_metrics.csv", "x");
  EXPECT_THAT(names(own), UnorderedElementsAre("own results/server.log", "own gpu_metrics.csv"));
  remove_own_folder(work_, own);
  EXPECT_FALSE(fs::exists(path("work/.slurm-sweep")));
}

TEST_F(ArtifactFiles, CopiesAreNumberedInTheOrderOfTheList) {
  const std::string large = many('l');
  place("work/results/large", large);
  place("work/meta_env.json", "meta");
  place("work/server.log", "");
  place("work/gpu_metrics.csv", "old");
  const auto old_files = find_artifacts(work_, "");
  place("work/meta_env.json", "newer");
  place("work/results/large", large + "x");
  const auto metrics = std::find_if(old_files.begin(), old_files.end(),
                                    [](const FoundFile& file) { return file.name == "gpu_metrics.csv"; });
  ASSERT_NE(metrics, old_files.end());
  const auto collected = copy(request({*metrics}));
  ASSERT_EQ(collected.files.size(), 3u);
  EXPECT_EQ(collected.files[0].name, "meta_env.json");
  EXPECT_EQ(collected.files[1].name, "results/large");
  EXPECT_EQ(collected.files[2].name, "server.log");
  EXPECT_EQ(copied(0), "newer");
  EXPECT_EQ(copied(1), large + "x");
  EXPECT_EQ(copied(2), "");
  EXPECT_THAT(collected.left_out, IsEmpty());
}

TEST_F(ArtifactFiles, AFileThatCannotBeReadIsLeftOut) {
  place("work/meta_env.json", "a");
  place("work/server.log", "b");
  std::optional<FilesCollected> out;
  ArtifactCopier copier([&](const Input& input) { out = std::get<FilesCollected>(input); });
  copier.start(request(), spool_);
  fs::remove(path("work/meta_env.json"));  // after it was found
  while (copier.active())
    copier.step();
  ASSERT_TRUE(out);
  ASSERT_EQ(out->files.size(), 1u);
  EXPECT_EQ(out->files[0].name, "server.log");
  EXPECT_EQ(copied(0), "b");
  EXPECT_THAT(out->left_out, ElementsAre(HasSubstr("meta_env.json: cannot open")));
}

TEST_F(ArtifactFiles, AFileThatChangesMeanwhileIsLeftOut) {
  place("work/server.log", "before");
  std::optional<FilesCollected> out;
  ArtifactCopier copier([&](const Input& input) { out = std::get<FilesCollected>(input); });
  copier.start(request(), spool_);
  place("work/server.log", "after it was found");
  while (copier.active())
    copier.step();
  ASSERT_TRUE(out);
  EXPECT_THAT(out->files, IsEmpty());
  EXPECT_THAT(out->left_out, ElementsAre("server.log: it was changed while it was copied"));
}

TEST_F(ArtifactFiles, StoppingLeavesNothing) {
  place("work/server.log", many('x'));
  std::optional<FilesCollected> out;
  ArtifactCopier copier([&](const Input& input) { out = std::get<FilesCollected>(input); });
  copier.start(request(), spool_);
  copier.step();
  EXPECT_TRUE(copier.active());
  copier.stop({"p", 1});
  EXPECT_FALSE(copier.active());
  ASSERT_TRUE(out);
  EXPECT_THAT(out->left_out, ElementsAre(HasSubstr("not collected: ")));
  EXPECT_FALSE(fs::exists(spool_));
}

TEST_F(ArtifactFiles, ADirectoryHasOneIdAndAnotherHasAnother) {
  fs::create_directory_symlink(work_, path("link"));
  EXPECT_EQ(directory_id(work_), directory_id(path("link")));
  EXPECT_NE(directory_id(work_), directory_id(path("")));
  EXPECT_EQ(directory_id(path("none")), "");
}

// ---- in the spool

wire::Finished with_files() {
  wire::Finished out;
  out.ref = {"p", 1};
  out.files = {{"results/a", 5, true}, {"server.log", 3}};
  set_not_collected(out.account, "x");
  return out;
}

TEST_F(ArtifactFiles, TheNextAgentOfTheNodeHasTheFilesToo) {
  {
    Spool spool;
    ASSERT_TRUE(spool.open(folder_, "s", "a"));
    EXPECT_FALSE(spool.files_folder({"p", 1})) << "the outcome is not kept";
    ASSERT_TRUE(spool.keep(with_files(), "{}"));
    const std::string folder = spool.files_folder({"p", 1}).value();
    fs::create_directory(folder);
    ASSERT_TRUE(write_file_atomic(folder + "/0", "abcde", 0600, Sync::No));
    EXPECT_EQ(spool.read_piece({"p", 1}, "", 0, 2, 100).value(), "cde");
    EXPECT_EQ(spool.read_piece({"p", 1}, "", 0, 0, 2).value(), "ab");
    EXPECT_FALSE(spool.read_piece({"p", 1}, "", 0, 5, 2));
    EXPECT_FALSE(spool.read_piece({"p", 1}, "", 1, 0, 2));
    EXPECT_FALSE(spool.read_piece({"q", 1}, "", 0, 0, 2));
  }
  Spool next;
  std::vector<std::string> notes;
  ASSERT_TRUE(next.open(folder_, "s", "b"));
  const auto left = next.adopt(notes);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->finished.files, with_files().files);
  EXPECT_THAT(left->finished.account.collected->left_out, ElementsAre("not collected: x"));
  EXPECT_EQ(next.read_piece({"p", 1}, "a", 0, 0, 9).value(), "abcde");
  next.drop({"p", 1}, "a");
  EXPECT_FALSE(next.read_piece({"p", 1}, "a", 0, 0, 9));
  for (const auto& entry : fs::recursive_directory_iterator(folder_))
    EXPECT_EQ(entry.path().string().find(".files"), std::string::npos) << entry.path();
}

TEST_F(ArtifactFiles, FilesWithoutAnOutcomeAreRemoved) {
  std::string folder;
  {
    Spool spool;
    ASSERT_TRUE(spool.open(folder_, "s", "a"));
    ASSERT_TRUE(spool.keep(with_files(), "{}"));
    folder = spool.files_folder({"p", 1}).value();
    fs::create_directory(folder);
  }
  fs::remove(folder.substr(0, folder.rfind('.')));
  Spool next;
  ASSERT_TRUE(next.open(folder_, "s", "b"));
  EXPECT_FALSE(fs::exists(folder));
}

}  // namespace
}  // namespace sweep::agent
