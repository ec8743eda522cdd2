// Footing: whether an output directory is still that of the sweep whose journal is open.
#include <fcntl.h>

#include "controller/io/output_dir.hpp"
#include "tests/unit/net_folder.hpp"
#include "util/os/fd.hpp"

namespace sweep {
namespace {

namespace fs = std::filesystem;
using Place = DirectoryWatch::Place;

class FootingTest : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    fs::create_directory(out());
    put("out/sweep.db", "journal");
    // As SQLite has it.
    open_ = Fd(::open(path("out/sweep.db").c_str(), O_RDWR | O_CLOEXEC));
    footing_.emplace(out());
    ASSERT_EQ(footing_->place(), Place::There);
  }
  std::string out() const { return path("out"); }

  Fd open_;
  std::optional<DirectoryWatch> footing_;
};

TEST_F(FootingTest, IsLostWithTheDirectory) {
  fs::remove_all(out());
  EXPECT_EQ(footing_->place(), Place::Deleted);
  // Neither an empty one nor another sweep's takes its place.
  fs::create_directory(out());
  EXPECT_EQ(footing_->place(), Place::Deleted);
  put("out/sweep.db", "another");
  EXPECT_EQ(footing_->place(), Place::Deleted);
}

TEST_F(FootingTest, IsThereAgainWhenTheDirectoryIs) {
  fs::rename(out(), path("away"));
  EXPECT_EQ(footing_->place(), Place::Elsewhere);
  fs::create_directory(out());
  EXPECT_EQ(footing_->place(), Place::Elsewhere);
  put("out/sweep.db", "another");
  EXPECT_EQ(footing_->place(), Place::Elsewhere);
  fs::remove_all(out());
  fs::rename(path("away"), out());
  EXPECT_EQ(footing_->place(), Place::There);
}

// As NFS does with a file that is open: rm leaves the directory with that in it.
TEST_F(FootingTest, IsLostWhereTheFileHasAnotherNameBesideItsOwn) {
  fs::rename(path("out/sweep.db"), path("out/.nfs0001"));
  EXPECT_EQ(footing_->place(), Place::Deleted);
}

TEST_F(FootingTest, IsNotLostWhereNobodyCanTell) {
  fs::rename(out(), path("away"));
  fs::create_symlink("out", out());  // ELOOP, for what a file system that fails would say
  EXPECT_EQ(footing_->place(), Place::There);
}

}  // namespace
}  // namespace sweep
