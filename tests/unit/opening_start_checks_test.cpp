// What a sweep needs at its end is checked at its start: names, paths, files that are in the way, and the
// benchmark's program.
#include <cstdlib>

#include "controller/io/ledger.hpp"
#include "controller/io/start_checks.hpp"
#include "controller/journal/journal.hpp"
#include "controller/profile/load_profile.hpp"
#include "tests/unit/opening_sample.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

using testing::AllOf;
using testing::StartsWith;

class StartChecks : public OpeningTest {
 protected:
  /// Returns a path in the test's folder that has this many bytes.
  std::string path_of_length(std::size_t bytes) const {
    constexpr std::size_t kPart = 100;
    std::string out = std::filesystem::canonical(folder_).string();
    while (bytes - out.size() > kPart + 1)
      out += "/" + std::string(kPart - 1, 'd');
    return out + "/" + std::string(bytes - out.size() - 1, 'd');
  }

  static profile::Profile profile_of(const std::string& text) {
    auto profile = profile::parse_profile(text, "p.yaml", {});
    EXPECT_TRUE(profile) << profile.error().message;
    return profile ? *profile : profile::Profile{};
  }

  /// Returns why the benchmark is refused; "" if it is not.
  std::string refused(const std::vector<std::string>& words, const std::string& profile = "") {
    warnings_.clear();
    const auto good =
        check_benchmark(sample_plan(entries(), profile_of(profile)), {words, folder_}, warnings_);
    return good ? "" : good.error().message;
  }

  std::vector<std::string> warnings_;
};

TEST_F(StartChecks, LongestPathForTheJournalIsAcceptedAndOneByteMoreIsRefused) {
  const std::string longest = path_of_length(491);
  EXPECT_TRUE(check_output_dir(longest, "x"));
  const auto claimed = claim_output_dir(longest, "x", kBegun);
  ASSERT_TRUE(claimed) << claimed.error().message;
  const auto begun = begin_sweep(new_sweep(entries()), *claimed);
  EXPECT_TRUE(begun) << begun.error().message;

  const std::string longer = path_of_length(492);
  const auto refused = check_output_dir(longer, "x");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              (HasSubstr("the path has 492 bytes, and SQLite permits 491; choose a shorter --sweep-output")));
  EXPECT_FALSE(claim_output_dir(longer, "x", kBegun));
  EXPECT_FALSE(std::filesystem::exists(longer));
}

TEST_F(StartChecks, LinksCountWithTheLengthOfWhatTheyLeadTo) {
  const std::string longer = path_of_length(492);
  ASSERT_TRUE(make_directories(longer));
  std::filesystem::create_directory_symlink(longer, out_);
  EXPECT_FALSE(check_output_dir(out_, "x"));
}

TEST_F(StartChecks, FolderWithATooLongNameIsRefused) {
  EXPECT_TRUE(check_output_dir(path(std::string(255, 'd')), "x"));
  const auto refused = check_output_dir(path(std::string(256, 'd')), "x");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              HasSubstr("has 256 bytes, and file systems permit 255; choose a shorter"));
  EXPECT_TRUE(check_output_dir("", "x"));
  EXPECT_FALSE(check_output_dir("", std::string(240, 'x'))) << "results_<name>_<time> is too long";
}

TEST_F(StartChecks, FileInPlaceOfAFolderIsRefused) {
  ASSERT_TRUE(make_directories(out_));
  put("out/logs", "");
  const auto refused = check_output_dir(out_, "x");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("/out/logs' is not a directory"), HasSubstr("; choose")));
}

TEST_F(StartChecks, NameOfAResultHasToFitWithTheNode) {
  auto entry = sample_entry(8, 1);
  entry["framework"] = std::string(100, 'f');
  EXPECT_TRUE(check_file_names(sample_plan({entry})));
  entry["framework"] = std::string(200, 'f');
  const auto refused = check_file_names(sample_plan({entry}));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("file systems permit 255; shorten the model-prefix"));
  entry = sample_entry(8, 1);
  entry["model"] = "org/" + std::string(240, 'm');
  EXPECT_FALSE(check_file_names(sample_plan({entry}))) << "the plot's name is too long";
}

TEST_F(StartChecks, NameOfAGangsResultDoesNotRefuseTheOtherPoints) {
  auto entry =
      ordered_json::parse(R"({"image": "i", "model": "org/m", "model-prefix": "dsr1", "precision": "fp4",
      "runner": "gb200", "isl": 8192, "osl": 1024, "conc": [1], "max-model-len": 9472, "exp-name": "dsr1_8k1k",
      "disagg": true, "prefill": {"num-worker": 1, "tp": 4}, "decode": {"num-worker": 1, "tp": 8}})");
  entry["framework"] = std::string(200, 'f');
  EXPECT_TRUE(check_file_names(sample_plan({entry})));
}

TEST_F(StartChecks, DiskHasToHaveRoomForAResultOfEachPoint) {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  EXPECT_TRUE(check_free_bytes("o", 2 * kMiB, 64));
  const auto full = check_free_bytes("o", 2 * kMiB - 1, 64);
  ASSERT_FALSE(full);
  EXPECT_EQ(
      full.error().message,
      "cannot write to 'o': its file system has 2047 KiB left, and the results of 64 points need at least "
      "2048 KiB; make room, or choose another --sweep-output");
}

TEST_F(StartChecks, SummaryThatSomebodyElseWroteIsRefusedAtTheStart) {
  const Plan plan = sample_plan(entries());
  EXPECT_TRUE(check_new_output(out_, plan));
  ASSERT_TRUE(make_directories(out_));
  Ledger ledger = Ledger::of(out_);
  ASSERT_TRUE(ledger.write("summary.txt", "ours"));
  EXPECT_TRUE(check_new_output(out_, plan)) << "sweepctl overwrites its own";
  put("out/summary.txt", "mine");
  const auto refused = check_new_output(out_, plan);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("its 'summary.txt' was not written by sweepctl"), HasSubstr("move it away")));
  std::filesystem::remove(out_ + "/summary.txt");
  put("out/agg_dsr1_1k8k.json", "[]");
  EXPECT_FALSE(check_new_output(out_, plan));
}

TEST_F(StartChecks, ScriptThatIsNotExecutableIsRefusedWithTheCommandThatMendsIt) {
  put("b.sh", "#!/bin/sh\n", 0644);
  EXPECT_EQ(refused({"./b.sh"}),
            "cannot start './b.sh': Permission denied; make it executable: chmod +x ./b.sh");
  EXPECT_EQ(
      refused({path("b.sh")}),
      "cannot start '" + path("b.sh") + "': Permission denied; make it executable: chmod +x " + path("b.sh"));
  put("b.sh", "#!/bin/sh\n", 0755);
  EXPECT_EQ(refused({"./b.sh"}), "");
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(StartChecks, RelativePathIsTakenFromTheWorkspace) {
  EXPECT_THAT(refused({"./b.sh"}),
              HasSubstr("there is no such file in '" + folder_ + "', the working directory"));
  ASSERT_TRUE(make_directories(path("ws")));
  put("ws/b.sh", "#!/bin/sh\n");
  EXPECT_EQ(refused({"./b.sh"}, "workspace: " + path("ws") + "\n"), "");
  EXPECT_EQ(refused({"./b.sh"}, "workspace: " + path("absent") + "\n"), "") << "nodes may have the workspace";
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("no such file on this host")));
}

TEST_F(StartChecks, WhatNodesMayHaveIsAWarning) {
  EXPECT_EQ(refused({"/no/such/b.sh"}), "");
  EXPECT_THAT(
      warnings_,
      ElementsAre("cannot start '/no/such/b.sh': no such file on this host; each node has to have it"));
  EXPECT_EQ(refused({"no-such-program"}), "");
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("not found in PATH on this host")));
  EXPECT_EQ(refused({"sh", "-c", "x"}), "");
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(StartChecks, BenchmarkOfTheProfileIsChecked) {
  put("b.sh", "#!/bin/sh\n", 0644);
  const std::string profile = "benchmark: " + path("b.sh") + "\n";
  EXPECT_THAT(refused({}, profile), HasSubstr("chmod +x"));
  EXPECT_THAT(refused({"/usr/bin/sweep-agent"}, profile), HasSubstr("chmod +x"));
}

TEST_F(StartChecks, ProgramsInImagesAreNotCheckedButMountedScriptsAre) {
  put("b.sh", "#!/bin/sh\n", 0644);
  ASSERT_TRUE(make_directories(path("ws")));
  const std::string profile = "workspace: " + path("ws") + "\ncontainer: { runtime: enroot }\n";
  EXPECT_EQ(refused({"no-such-program"}, profile), "");
  EXPECT_EQ(refused({"/opt/b.sh"}, profile), "");
  EXPECT_EQ(refused({}, profile + "benchmark: b.sh\n"), "");
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_THAT(refused({"./b.sh"}, profile), HasSubstr("chmod +x")) << "relative to where srun was started";
}

}  // namespace
}  // namespace sweep
