// sweep-agent --stage: real squash files with squashfs-tools, and stand-ins of enroot, apptainer, podman and
// srun in PATH.
#include "tests/unit/container_helper.hpp"

namespace sweep::container {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Staging : public InContainers {
 protected:
  void SetUp() override {
    InContainers::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(make_directories(path("bin")));
    path_ = std::getenv("PATH");
    ::setenv("PATH", (path("bin") + ":" + path_).c_str(), 1);
  }
  void TearDown() override {
    if (!path_.empty()) ::setenv("PATH", path_.c_str(), 1);
    InContainers::TearDown();
  }

  /// Puts a program of this name into PATH; it also appends its arguments to the file "calls".
  void stand_in(const std::string& name, const std::string& script) {
    put("bin/" + name, "#!/bin/bash\necho \"" + name + " $*\" >>" + path("calls") + "\n" + script + "\n");
  }
  std::string calls() const { return read_file(path("calls"), 100'000).value_or(""); }

  /// Puts an enroot into PATH whose `import --output FILE NAME` copies a prepared squash file.
  void enroot_imports(const std::string& before = "") {
    squash("registry.sqsh");
    stand_in("enroot", "case $1 in version) echo 4.1.2 ;; import) " + before + " cp " +
                           path("registry.sqsh") +
                           " \"$3\" ;; create) mkdir \"$ENROOT_DATA_PATH/$3\" && echo x "
                           ">\"$ENROOT_DATA_PATH/$3/x\" ;; esac");
  }

  StageRequest wanted(Runtime runtime, const std::string& image) {
    StageRequest out;
    out.runtime = runtime;
    out.container.image = image;
    out.container.cache = path("cache");
    out.node = "n1";
    return out;
  }

  /// Runs the request and returns the last report.
  Report stage(const StageRequest& request) {
    auto started = start({SWEEP_AGENT, "--stage", to_text(request)});
    text_ = all_of(started.out);
    end_of(started.child);
    std::string last;
    for (const std::string& line : split(text_, '\n')) {
      if (!line.empty()) last = line;
    }
    const auto report = report_in(last);
    EXPECT_TRUE(report) << text_;
    return report ? *report : Report(Failed{false, "unreadable"});
  }
  Staged staged(const StageRequest& request) {
    const Report report = stage(request);
    const auto* out = std::get_if<Staged>(&report);
    EXPECT_NE(out, nullptr) << std::get<Failed>(report).reason;
    return out != nullptr ? *out : Staged{};
  }
  Failed failed(const StageRequest& request) {
    const Report report = stage(request);
    const auto* out = std::get_if<Failed>(&report);
    EXPECT_NE(out, nullptr);
    return out != nullptr ? *out : Failed{};
  }

  std::string path_;
  std::string text_;  // all reports of the last request
};

TEST_F(Staging, SquashFileIsUnpackedOnceForBubblewrapAndRuns) {
  const auto first = staged(wanted(Runtime::Bwrap, squash()));
  EXPECT_EQ(first.runtime, Runtime::Bwrap);
  EXPECT_THAT(first.version, StartsWith("bubblewrap"));
  EXPECT_THAT(first.digest, StartsWith("squashfs-tables:sha256:"));
  EXPECT_EQ(first.environment, (std::vector<std::string>{"OF_IMAGE=it says"}));
  EXPECT_THAT(first.image, StartsWith(path("tmp/slurm-sweep-")));
  EXPECT_EQ(staged(wanted(Runtime::Bwrap, path("small.sqsh"))), first);
  auto what = request("exit 9");
  what.container.image = first.image;
  EXPECT_EQ(run(what).status.code, 9);
}

TEST_F(Staging, FolderIsUsedAsItIs) {
  EXPECT_EQ(staged(wanted(Runtime::Bwrap, path("image"))).image, path("image"));
}

TEST_F(Staging, TruncatedSquashFileIsReported) {
  const std::string file = squash();
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 8'192);
  const auto why = failed(wanted(Runtime::Bwrap, file));
  EXPECT_FALSE(why.of_image);
  EXPECT_THAT(why.reason, StartsWith("node n1: image '" + file + "' is not usable: it is truncated"));
}

TEST_F(Staging, ImportIsReportedFromItsBeginning) {
  enroot_imports();
  staged(wanted(Runtime::Enroot, "a/b:1"));
  EXPECT_THAT(text_, HasSubstr("\"importing\""));
}

TEST_F(Staging, MissingFileIsReported) {
  EXPECT_EQ(failed(wanted(Runtime::Bwrap, "/none/x.sqsh")).reason,
            "node n1: image '/none/x.sqsh' does not exist");
}

TEST_F(Staging, RegistryImageIsImportedIntoTheCacheOnce) {
  enroot_imports();
  const auto first = staged(wanted(Runtime::Enroot, "lmsysorg/sglang:v0.5"));
  EXPECT_EQ(first.version, "enroot 4.1.2");
  EXPECT_THAT(calls(),
              HasSubstr("enroot import --output " + path("cache") + "/.lmsysorg_sglang_v0.5.sqsh.part."));
  EXPECT_THAT(calls(), HasSubstr(" docker://lmsysorg/sglang:v0.5\n"));
  EXPECT_TRUE(std::filesystem::exists(path("cache/lmsysorg_sglang_v0.5.sqsh")));
  std::filesystem::remove(path("calls"));
  EXPECT_EQ(staged(wanted(Runtime::Enroot, "lmsysorg/sglang:v0.5")), first);
  EXPECT_EQ(calls().find("import"), std::string::npos);
  EXPECT_EQ(calls().find("create"), std::string::npos);
}

TEST_F(Staging, FilePutIntoTheCacheByHandIsUsed) {
  ASSERT_TRUE(make_directories(path("cache")));
  squash("cache/a_b_1.sqsh");
  EXPECT_THAT(staged(wanted(Runtime::Bwrap, "a/b:1")).image, HasSubstr("a_b_1."));
}

TEST_F(Staging, TruncatedCacheEntryIsImportedAgain) {
  enroot_imports();
  ASSERT_TRUE(make_directories(path("cache")));
  put("cache/a_b_1.sqsh", "hsqs, and no more");
  EXPECT_THAT(staged(wanted(Runtime::Enroot, "a/b:1")).digest, StartsWith("squashfs-tables"));
  EXPECT_THAT(calls(), HasSubstr("import"));
}

TEST_F(Staging, MissingImageOrLoginIsTheImagesFaultAndNotRetried) {
  const std::pair<const char*, const char*> cases[] = {
      {"[ERROR] URL https://x returned error code: 404 Not Found", "there is no such image"},
      {"[ERROR] URL https://x returned error code: 401 Unauthorized", "it needs a login or does not exist"}};
  for (const auto& [says, means] : cases) {
    std::filesystem::remove(path("calls"));
    stand_in("enroot", "[ $1 = version ] && exit; echo '" + std::string(says) + "' >&2; exit 1");
    auto request = wanted(Runtime::Enroot, "a/b:1");
    request.container.retries = 3;
    const auto why = failed(request);
    EXPECT_TRUE(why.of_image);
    EXPECT_THAT(why.reason,
                HasSubstr("cannot import 'a/b:1': " + std::string(means) + " (exit status 1: [ERROR] URL"));
    const std::string all = calls();
    EXPECT_EQ(all.find("import"), all.rfind("import"));
  }
}

TEST_F(Staging, NetworkFailureIsRetried) {
  enroot_imports("[ -e " + path("tried") + " ] || { touch " + path("tried") +
                 "; echo 'curl: (6) no host' >&2; exit 6; };");
  auto request = wanted(Runtime::Enroot, "a/b:1");
  request.container.retries = 1;
  staged(request);
  std::filesystem::remove(path("tried"));
  std::filesystem::remove(path("cache/a_b_1.sqsh"));
  request.container.retries = 0;
  const auto why = failed(request);
  EXPECT_FALSE(why.of_image);
  EXPECT_THAT(why.reason, HasSubstr("exit status 6: curl: (6) no host"));
}

TEST_F(Staging, FullDiskIsTheNodesFaultAndNoFileIsLeft) {
  stand_in("enroot",
           "[ $1 = version ] && exit; echo half >\"$3\"; echo 'write: No space left on device' >&2; exit 1");
  auto request = wanted(Runtime::Enroot, "a/b:1");
  request.container.retries = 3;
  const auto why = failed(request);
  EXPECT_FALSE(why.of_image);
  EXPECT_THAT(why.reason, HasSubstr("No space left"));
  EXPECT_TRUE(std::filesystem::is_empty(path("cache")));
  request.container.room_bytes = std::int64_t{1} << 60;
  EXPECT_THAT(failed(request).reason, HasSubstr("not enough space in"));
}

TEST_F(Staging, StoppedStagingEndsItsProcessesAndLeavesNoFile) {
  stand_in("enroot", "[ $1 = version ] && exit; echo half >\"$3\"; setsid sleep 1000 & echo up >" +
                         path("up") + "; sleep 1000");
  shell("mkfifo " + path("up"));
  auto started = start({SWEEP_AGENT, "--stage", to_text(wanted(Runtime::Enroot, "a/b:1"))});
  std::string up;
  std::ifstream(path("up")) >> up;
  ::kill(started.child.pid, SIGTERM);
  end_of(started.child);
  EXPECT_TRUE(all_gone());
  EXPECT_TRUE(std::filesystem::is_empty(path("cache")));
}

TEST_F(Staging, WithoutEnrootTheErrorNamesTheCacheFile) {
  ::setenv("PATH", "/usr/bin:/bin", 1);
  if (!find_program("enroot", own_environment()).empty()) GTEST_SKIP() << "enroot is here";
  EXPECT_THAT(
      failed(wanted(Runtime::Bwrap, "a/b:1")).reason,
      HasSubstr(
          "cannot import 'a/b:1': enroot is not in PATH; install enroot, or put the image as a squash file "
          "into '" +
          path("cache") + "' as a_b_1.sqsh"));
}

TEST_F(Staging, MissingRuntimeIsReported) {
  ::setenv("PATH", path("bin").c_str(), 1);
  EXPECT_EQ(
      failed(wanted(Runtime::Apptainer, "a/b:1")).reason,
      "node n1: apptainer is not in PATH; install it, or choose another runtime in the profile: container: { "
      "runtime: ... }");
  EXPECT_THAT(
      failed(wanted(Runtime::Auto, "a/b:1")).reason,
      AllOf(HasSubstr("no container runtime works here: srun is not in PATH; enroot is not in PATH; "),
            EndsWith("; install one, or set container: { runtime: none } in the profile to run without "
                     "containers")));
}

TEST_F(Staging, ApptainerPullsIntoTheCache) {
  stand_in("apptainer", "case $1 in version) echo 1.4 ;; pull) echo sif >\"$2\" ;; esac");
  const auto got = staged(wanted(Runtime::Apptainer, "nvcr.io#a/b:1"));
  EXPECT_EQ(got.image, path("cache/nvcr.io_a_b_1.sif"));
  EXPECT_THAT(calls(), HasSubstr(" docker://nvcr.io/a/b:1\n"));
  EXPECT_EQ(staged(wanted(Runtime::Apptainer, squash())).image, path("small.sqsh"));
  EXPECT_EQ(staged(wanted(Runtime::Apptainer, path("image"))).image, path("image"));
}

TEST_F(Staging, PodmanPullsOnlyMissingImages) {
  stand_in("podman", "case $1 in --version) echo podman 4 ;; image) echo WARN >&2; [ -e " + path("pulled") +
                         " ] && echo abc ;; pull) touch " + path("pulled") + " ;; esac");
  const auto got = staged(wanted(Runtime::Podman, "a/b:1"));
  EXPECT_EQ(got.image, "docker.io/a/b:1");
  EXPECT_EQ(got.digest, "sha256:abc");
  std::filesystem::remove(path("calls"));
  staged(wanted(Runtime::Podman, "a/b:1"));
  EXPECT_EQ(calls().find("pull"), std::string::npos);
  EXPECT_TRUE(failed(wanted(Runtime::Podman, squash())).of_image);
  EXPECT_EQ(staged(wanted(Runtime::Podman, path("image"))).image, path("image"));
}

TEST_F(Staging, PyxisGetsAnImportedFileOrTheNameIfTheProfileSaysSo) {
  enroot_imports();
  stand_in("srun",
           "[ $1 = --version ] && echo slurm 22 || echo ' --container-image=[USER@][REGISTRY#]IMAGE'");
  ::setenv("SLURM_JOB_ID", "1", 1);
  EXPECT_EQ(staged(wanted(Runtime::Pyxis, "nvcr.io#a/b:1")).image, path("cache/nvcr.io_a_b_1.sqsh"));
  auto by_name = wanted(Runtime::Pyxis, "nvcr.io#a/b:1");
  by_name.container.by_runtime = true;
  EXPECT_EQ(staged(by_name).image, "nvcr.io#a/b:1");
  EXPECT_EQ(staged(wanted(Runtime::Auto, squash())).runtime, Runtime::Pyxis);
  ::unsetenv("SLURM_JOB_ID");
  EXPECT_THAT(failed(wanted(Runtime::Pyxis, "a/b:1")).reason, HasSubstr("pyxis needs a Slurm job"));
}

// A shell starts background jobs with SIGQUIT ignored, and what is ignored at the start stays ignored.
TEST_F(Staging, SigquitEndsAnImportAlsoIfAShellIgnoredIt) {
  enroot_imports("sleep 1000;");
  for (const auto disposition : {SIG_DFL, SIG_IGN}) {
    std::signal(SIGQUIT, disposition);
    auto started = start({SWEEP_AGENT, "--stage", to_text(wanted(Runtime::Enroot, "a/b:1"))});
    std::signal(SIGQUIT, SIG_DFL);
    EXPECT_THAT(until(started.out, "importing"), HasSubstr("importing"));
    ::kill(started.child.pid, SIGQUIT);
    EXPECT_EQ(end_of(started.child).code, 1);
    EXPECT_TRUE(all_gone());
  }
}

TEST_F(Staging, CacheLimitRemovesImagesBeforeAnImport) {
  enroot_imports();
  ASSERT_TRUE(make_directories(path("cache")));
  squash("cache/old_1.sqsh");
  auto request = wanted(Runtime::Enroot, "a/b:1");
  request.container.keep_bytes = 1;
  staged(request);
  EXPECT_FALSE(std::filesystem::exists(path("cache/old_1.sqsh")));
  EXPECT_TRUE(std::filesystem::exists(path("cache/a_b_1.sqsh")));
}

}  // namespace
}  // namespace sweep::container
