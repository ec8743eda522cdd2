// What an agent observed during an attempt, besides its outcome: how long each phase took, what it ran on,
// and the last output of a failed server.
//
// Rules: every field may be absent. An account never decides how an attempt ended. It is sent with Finished
// and stored in the journal and in the records for people.
#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "util/boxed_optional.hpp"
#include "util/error.hpp"
#include "util/interned_string.hpp"
#include "util/time.hpp"

namespace sweep {

/// The words with which reasons for an invalid result begin. The first six come from the client's result
/// (report/validity), the next four from the agent's observations (Account::flaws), and the last two from
/// the point's evaluation (controller/evals, agent/core/eval_check).
inline constexpr std::array<std::string_view, 12> kDoubts = {
    "no-output",        "failures",  "input-length", "output-length", "other-load", "client-bound",
    "server-restarted", "gpus-busy", "node-shared",  "suspended",     "low-score",  "no-score"};

/// One phase of an attempt. A script has: server (if it starts one, until that is ready) or set-up (if it
/// starts none, until its client begins; absent if nothing shows that), benchmark. A recipe has: stop (of
/// other servers on its GPUs), server-start (until the server's first output or answer), ready, reset,
/// warm-up, benchmark. Both have before that, if they need it: image (staging), idle-check (of the GPUs).
struct PhaseTime {
  std::string name;
  Millis time{0};
  friend bool operator==(const PhaseTime&, const PhaseTime&) = default;
};

/// Power, clocks, temperature and memory of the attempt's GPUs during the measured window (computed in
/// agent/core/telemetry). Values that the GPUs do not report are absent.
struct GpuUse {
  Millis window{0};
  std::optional<std::int64_t> power_mw, energy_mj;                  // of all GPUs together; power is the mean
  std::optional<std::int64_t> clock_mhz;                            // mean over time and GPUs
  std::optional<std::int64_t> max_temperature_c, max_memory_bytes;  // of the GPU with the largest value
  std::vector<std::string> throttled;  // why clocks were reduced under load; empty: they were not
  friend bool operator==(const GpuUse&, const GpuUse&) = default;
};

/// Hardware and software of the attempt. Unknown values are empty.
struct Origin {
  InternedString kernel;   // "Linux 6.1.0"
  InternedString driver;   // NVIDIA's version
  InternedString gpus;     // "8 x NVIDIA B200"
  InternedString commit;   // of the git repository that contains the workspace
  InternedString slurm;    // its version; set by the controller
  InternedString runtime;  // of the container, with version: "bubblewrap 0.8.0"
  InternedString image;    // that was started: a path, or its name in a registry
  InternedString digest;   // of the image (container/core/report.hpp)
  friend bool operator==(const Origin&, const Origin&) = default;
};

/// A score of the point's evaluation, and the least score that it has to reach.
struct Score {
  std::string task, metric;  // "gsm8k", "exact_match,strict-match"
  double value = 0, threshold = 0;
  std::string source;  // of the threshold: "models.dsr1", "default" or "min-score"
  bool passed = false;
  friend bool operator==(const Score&, const Score&) = default;
};

/// What was collected of the files that the attempt left besides its result (base/artifact.hpp).
struct Collected {
  std::int64_t files = 0, bytes = 0;
  std::vector<std::string> left_out;  // "server.log: why"; if nothing was collected: "not collected: why"
  friend bool operator==(const Collected&, const Collected&) = default;
};

struct Account {
  std::vector<PhaseTime> phases;         // in order; a name may occur twice
  std::optional<int> servers;            // of a recipe: servers started for it; 0: one was running already
  std::vector<std::string> server_says;  // the last lines of a server that failed
  std::vector<std::string> flaws;      // why the result may not be valid: "gpus-busy: …" (report/validity)
  BoxedOptional<GpuUse> gpu_use = {};  // if there was telemetry
  Origin origin = {};
  InternedString range_ratio = {};          // RANDOM_RANGE_RATIO if the agent's own environment has set it
  std::vector<Score> scores = {};           // set by the controller
  BoxedOptional<Collected> collected = {};  // if it left files
  friend bool operator==(const Account&, const Account&) = default;
};

/// Returns JSON that account_from_json() accepts: surplus phases and lines are dropped, texts are made
/// printable.
nlohmann::json account_to_json(const Account& account);
/// Parses account_to_json(). Makes texts printable and ignores unknown fields. Returns an error that names
/// the field for anything else.
Expected<Account> account_from_json(const nlohmann::json& body);
/// Returns the only line of Collected::left_out if nothing was collected because of `why`.
std::string not_collected(const std::string& why);
/// Returns true for a line of not_collected().
bool is_not_collected(std::string_view line);
/// Sets `account.collected` to say that no file was collected, and why.
void set_not_collected(Account& account, const std::string& why);
/// Returns the account as account_from_json() would return it: within its limits and with printable texts; an
/// empty account if it has a value that cannot be written.
Account sanitized(const Account& account);

}  // namespace sweep
