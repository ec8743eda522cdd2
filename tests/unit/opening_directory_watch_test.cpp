// DirectoryWatch: notices that the output directory of an open journal was moved or deleted.
#include <fcntl.h>

#include "controller/io/output_dir.hpp"
#include "tests/unit/net_folder.hpp"
#include "util/os/fd.hpp"

namespace sweep {
namespace {

namespace fs = std::filesystem;
using Place = DirectoryWatch::Place;

class DirectoryWatchTest : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    fs::create_directory(out());
    put("out/sweep.db", "journal");
    // As SQLite opens it.
    open_ = Fd(::open(path("out/sweep.db").c_str(), O_RDWR | O_CLOEXEC));
    watch_.emplace(out());
    ASSERT_EQ(watch_->place(), Place::There);
  }
  std::string out() const { return path("out"); }

  Fd open_;
  std::optional<DirectoryWatch> watch_;
};

TEST_F(DirectoryWatchTest, ReportsADeletedDirectory) {
  fs::remove_all(out());
  EXPECT_EQ(watch_->place(), Place::Deleted);
  // A new directory does not replace it, whether it is empty or another sweep's.
  fs::create_directory(out());
  EXPECT_EQ(watch_->place(), Place::Deleted);
  put("out/sweep.db", "another");
  EXPECT_EQ(watch_->place(), Place::Deleted);
}

TEST_F(DirectoryWatchTest, ReportsAMovedDirectoryUntilItIsBack) {
  fs::rename(out(), path("away"));
  EXPECT_EQ(watch_->place(), Place::Elsewhere);
  fs::create_directory(out());
  EXPECT_EQ(watch_->place(), Place::Elsewhere);
  put("out/sweep.db", "another");
  EXPECT_EQ(watch_->place(), Place::Elsewhere);
  fs::remove_all(out());
  fs::rename(path("away"), out());
  EXPECT_EQ(watch_->place(), Place::There);
}

// NFS renames an open file when it is removed.
TEST_F(DirectoryWatchTest, ReportsDeletionIfNfsKeepsTheOpenFile) {
  fs::rename(path("out/sweep.db"), path("out/.nfs0001"));
  EXPECT_EQ(watch_->place(), Place::Deleted);
}

TEST_F(DirectoryWatchTest, ReportsNothingIfTheFileSystemFails) {
  fs::rename(out(), path("away"));
  fs::create_symlink("out", out());  // gives ELOOP, in place of the error of a failing file system
  EXPECT_EQ(watch_->place(), Place::There);
}

}  // namespace
}  // namespace sweep
