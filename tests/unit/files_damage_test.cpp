// Truncated files and files with flipped bits: each is either read, or named and skipped. The journal is
// tested in journal_damage_test.cpp, the sweep in it in sweep_damage_test.cpp.
#include <gmock/gmock.h>

#include "controller/io/control_file.hpp"
#include "controller/io/gather.hpp"
#include "controller/io/ledger.hpp"
#include "controller/matrix/inferencemax/master.hpp"
#include "controller/matrix/inferencemax/runners.hpp"
#include "controller/profile/load_profile.hpp"
#include "controller/profile/profile.hpp"
#include "controller/profile/record.hpp"
#include "tests/unit/damage_bytes.hpp"
#include "tests/unit/net_folder.hpp"
#include "util/digest.hpp"
#include "util/text.hpp"

namespace sweep {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kEveryLength = 1u << 20;  // more cuts than any of these files has bytes

class FileDamage : public InFolder {
 protected:
  /// Messages are one line and safe to print on a terminal.
  static void expect_line(const std::string& message) {
    EXPECT_FALSE(message.empty());
    EXPECT_EQ(printable(message), message);
  }
};

TEST_F(FileDamage, ControlFile) {
  const std::string secret = "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6";
  profile::Profile profile;
  profile.env = {{"TOKEN", "of the site"}};
  ASSERT_TRUE(write_control_file(folder_, {"n1", 4711, "tcp://10.0.0.1:5555", "key", secret, secret,
                                           profile::profile_to_json(profile)}));
  const std::string bytes = bytes_of(path("sweep.control"));
  std::size_t refused = 0, read = 0;
  each_damage(bytes, kEveryLength, bytes.size(), [&](const std::string& damaged) {
    put_bytes(path("sweep.control"), damaged, 0600);
    const auto control = read_control_file(folder_);
    const auto again = control ? profile::profile_from_json((*control)->profile) : fail("no profile");
    const std::string message = control ? (again ? "" : again.error().message) : control.error().message;
    if (message.empty()) {
      ++read;
      EXPECT_GE(damaged.size(), bytes.size() - 1) << "half a file was read";
      return;
    }
    ++refused;
    expect_line(message);
    EXPECT_TRUE(control || message.find("sweep.control") != std::string::npos) << message;
    EXPECT_THAT(message, Not(HasSubstr(secret.substr(0, 12))));
    EXPECT_THAT(message, Not(HasSubstr("of the site")));
  });
  EXPECT_GT(refused, bytes.size());  // truncated files, and flips outside of texts
  EXPECT_GT(read, 100u);
}

TEST_F(FileDamage, DamagedLedgerNeverAllowsOverwritingOtherFiles) {
  const std::string ours = "our table\n", theirs = "somebody's table\n";
  ASSERT_TRUE(Ledger::of(folder_).write("summary.txt", ours));
  ASSERT_TRUE(Ledger::of(folder_).write("agg_all.json", "[]"));
  put_bytes(path("agg_exp.json"), theirs);
  const std::string bytes = bytes_of(path(".aggregate"));
  const std::string line = sha256_hex(ours) + "  summary.txt\n";
  ASSERT_THAT(bytes, HasSubstr(line));
  std::size_t known = 0;
  each_damage(bytes, kEveryLength, 2 * bytes.size(), [&](const std::string& damaged) {
    put_bytes(path(".aggregate"), damaged);
    const bool is_known = Ledger::of(folder_).has_written("summary.txt");
    EXPECT_EQ(is_known, ("\n" + damaged + "\n").find("\n" + line) != std::string::npos) << damaged;
    EXPECT_FALSE(Ledger::of(folder_).has_written("agg_exp.json"));
    known += is_known;
    if ((damaged.size() + static_cast<unsigned char>(damaged.empty() ? 0 : damaged[0])) % 16 != 0) return;
    const auto taken = Ledger::of(folder_).write("agg_exp.json", "ours");
    ASSERT_FALSE(taken);
    expect_line(taken.error().message);
    EXPECT_EQ(bytes_of(path("agg_exp.json")), theirs);
    const bool written = Ledger::of(folder_).write("summary.txt", "our new table\n").has_value();
    EXPECT_EQ(written, is_known);
    EXPECT_EQ(bytes_of(path("summary.txt")), written ? "our new table\n" : ours);
    put_bytes(path("summary.txt"), ours);
  });
  EXPECT_GT(known, 0u);
}

TEST_F(FileDamage, ProcessedResult) {
  const std::string bytes = bytes_of(SWEEP_SOURCE_DIR "/tests/unit/data/agg_client_result.json");
  put_bytes(path("agg_sound.json"), bytes);
  std::size_t refused = 0;
  each_damage(bytes, 400, 1'000, [&](const std::string& damaged) {
    put_bytes(path("agg_r.json"), damaged);
    const Gathered all = gather(folder_);
    ASSERT_GE(all.results.size(), 1u) << "a sound file was skipped because of a damaged one";
    EXPECT_TRUE(all.results.size() == 2 || all.problems.size() + all.notes.size() > 0)
        << "skipped without a message";
    refused += !all.problems.empty();
    for (const std::string& problem : all.problems) {
      expect_line(problem);
      EXPECT_THAT(problem, HasSubstr("agg_r.json"));
    }
  });
  EXPECT_GT(refused, 400u);
}

TEST_F(FileDamage, CollectedList) {
  const std::string one = bytes_of(SWEEP_SOURCE_DIR "/tests/unit/data/agg_client_result.json");
  const std::string bytes = "[" + one + ", {\"other\": 1}]";
  std::size_t refused = 0;
  each_damage(bytes, 400, 1'000, [&](const std::string& damaged) {
    put_bytes(path("agg_all.json"), damaged);
    const Gathered all = gather(folder_);
    EXPECT_LE(all.results.size(), 1u);
    refused += !all.problems.empty();
    for (const std::string& problem : all.problems)
      expect_line(problem);
  });
  EXPECT_GT(refused, 400u);
}

// ---- YAML

constexpr const char* kProfile = R"(workspace: /scratch/bench
benchmark: 'benchmarks/{model-prefix}_{precision}.sh'
env:
  HF_HUB_CACHE: "/models"
  "QUOTED": "\u00e9 'x'"
packing: gpu
timeouts: { server: 30m, benchmark: none, point: 2h }
retries: { infrastructure: 3, benchmark: 1 }
)";

TEST_F(FileDamage, Profile) {
  ASSERT_TRUE(profile::parse_profile(kProfile, "site.yaml", {}));
  std::size_t refused = 0;
  each_damage(kProfile, kEveryLength, 2'000, [&](const std::string& damaged) {
    const auto profile = profile::parse_profile(damaged, "site.yaml", {});
    if (profile) return;
    ++refused;
    expect_line(profile.error().message);
    EXPECT_THAT(profile.error().message, HasSubstr("site.yaml"));
  });
  EXPECT_GT(refused, 800u);
}

constexpr const char* kMaster = R"(dsr1-fp4-b200-trt:
  image: nvcr.io#nvidia/tensorrt-llm/release:1.1.0rc2.post2
  model: nvidia/DeepSeek-R1-0528-FP4-V2
  model-prefix: dsr1
  runner: b200-trt
  precision: fp4
  framework: trt
  seq-len-configs:
  - isl: 1024
    osl: 1024
    search-space:
    - { tp: 4, conc-start: 4, conc-end: 16 }
    - { tp: 8, ep: 8, dp-attn: true, conc-start: 64, conc-end: 128 }
)";

TEST_F(FileDamage, MasterConfiguration) {
  constexpr std::array<matrix::Lengths, 1> kLengths = {{{1024, 1024}}};
  std::size_t refused = 0, read = 0;
  const auto entries_of = [&](const std::string& text) -> Expected<std::vector<matrix::Config>> {
    std::vector<matrix::RawEntry> entries;
    SWEEP_TRY(matrix::add_entries({"master.yaml", text}, entries));
    return matrix::check_entries(entries, kLengths);
  };
  ASSERT_TRUE(entries_of(kMaster)) << entries_of(kMaster).error().message;
  each_damage(kMaster, kEveryLength, 2'000, [&](const std::string& damaged) {
    const auto configs = entries_of(damaged);
    (configs ? read : refused) += 1;
    EXPECT_TRUE(configs || !configs.error().message.empty());
  });
  EXPECT_GT(refused, 1'000u);
  EXPECT_GT(read, 500u);
}

TEST_F(FileDamage, Runners) {
  const std::string text =
      "b200:\n- b200-nv_0\n- b200-nv_1\n'h200': [h200-a, \"h200-b\"]\nmi300x:\n- mi300x-0\n";
  std::size_t refused = 0, read = 0;
  each_damage(text, kEveryLength, 1'000, [&](const std::string& damaged) {
    const auto runners = matrix::Runners::parse(damaged, "runners.yaml");
    (runners ? read : refused) += 1;
    EXPECT_TRUE(runners || !runners.error().message.empty());
  });
  EXPECT_GT(refused, 100u);
  EXPECT_GT(read, 100u);
}

}  // namespace
}  // namespace sweep
