// What an agent saw of an attempt beside its outcome: where the time went, what it started, what the server
// said last.
//
// Rules: every field may be absent; an account never decides how an attempt ended. It goes with Finished,
// into the journal, and into the records that people read.
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

/// The words that reasons to distrust a result begin with. The first four are of the client's result
/// (report/validity), the others of what the agent saw (Account::flaws).
inline constexpr std::array<std::string_view, 7> kDoubts = {
    "no-output", "failures", "input-length", "client-bound", "server-restarted", "gpus-busy", "node-shared"};

/// One stretch of an attempt. Of a script: start, server, benchmark. Of a recipe: stop (of servers that were
/// in its way), image (until it was there), idle-check (of GPUs), server-start (until its first sign of
/// life), ready, reset, warm-up, benchmark.
struct PhaseTime {
  std::string name;
  Millis time{0};
  friend bool operator==(const PhaseTime&, const PhaseTime&) = default;
};

/// What the attempt's GPUs took during the measured window (agent/core/telemetry says how it is computed).
/// What they do not tell is absent.
struct GpuUse {
  Millis window{0};
  std::optional<std::int64_t> power_mw, energy_mj;  // of all of them together; power is the mean
  std::optional<std::int64_t> clock_mhz;            // mean over time and GPUs
  std::optional<std::int64_t> max_temperature_c, max_memory_bytes;  // of any one
  std::vector<std::string> throttled;  // why clocks were lower than the load asked for; empty: they were not
  friend bool operator==(const GpuUse&, const GpuUse&) = default;
};

/// On what it ran. Empty where unknown.
struct Origin {
  InternedString kernel;   // "Linux 6.1.0"
  InternedString driver;   // NVIDIA's version
  InternedString gpus;     // "8 x NVIDIA B200"
  InternedString commit;   // of the git repository that the workspace is in
  InternedString slurm;    // its version; the controller knows it
  InternedString runtime;  // of the container: "bubblewrap 0.8.0"
  InternedString image;    // what was started: a path, or a registry's name
  InternedString digest;   // of the image (container/core/report.hpp)
  friend bool operator==(const Origin&, const Origin&) = default;
};

struct Account {
  std::vector<PhaseTime> phases;         // in their order; a name may come twice
  std::optional<int> servers;            // of a recipe: how many were started for it; 0: it found one running
  std::vector<std::string> server_says;  // the last lines of a server that failed
  std::vector<std::string> flaws;  // why its result is not to be trusted: "gpus-busy: …" (report/validity)
  BoxedOptional<GpuUse> gpu_use = {};  // where there was telemetry
  Origin origin = {};
  friend bool operator==(const Account&, const Account&) = default;
};

/// Always what account_from_json reads: too many phases or lines are cut, texts made printable (text.hpp).
nlohmann::json account_to_json(const Account& account);
/// Fails, naming the field, on anything that account_to_json does not write, but for texts, which it makes
/// printable, and for fields that it does not know.
Expected<Account> account_from_json(const nlohmann::json& body);

}  // namespace sweep
