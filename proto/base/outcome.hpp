// How an attempt ended. Every attempt has exactly one outcome, which is reported explicitly and never
// inferred from the existence of a file.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep {

/// The exit status of agents, and so of srun, and of sweepctl run if every point is done but a result is not
/// valid.
inline constexpr int kNotValidStatus = 3;

enum class OutcomeKind {
  Ok,               // exited with status 0 and wrote a valid result
  BenchmarkFailed,  // exited with another status, was killed by a signal, or could not be started
  NoResult,         // exited with status 0 but wrote no result file
  InvalidResult,    // wrote a result file that does not have the serving client's format
  TimedOut,         // a phase exceeded its time limit
  ServerFailed,     // a recipe's server could not be started, died, or failed its health check
  Infrastructure,   // the node, the agent or the connection failed, not the benchmark
  Cancelled,        // the sweep was stopped
  Preempted,        // Slurm ended the job (time limit, scancel)
};

struct Outcome {
  OutcomeKind kind = OutcomeKind::Ok;
  std::optional<int> exit_code;  // of the benchmark's first process
  std::optional<int> signal;     // that killed it
  std::string phase;             // PhaseTime::name of the phase in which it ended
  std::string reason;            // one line for people; may be empty if the other fields are sufficient
};

/// Returns the word for the kind in files and messages: "ok", "benchmark-failed", …
std::string_view outcome_word(OutcomeKind kind);
/// Returns the kind for a word; std::nullopt if the word is unknown.
std::optional<OutcomeKind> outcome_kind(std::string_view word);

/// Returns one line for people: "benchmark-failed: exit status 3".
std::string describe(const Outcome& outcome);

/// Returns JSON that outcome_from_json() accepts: phase and reason are made printable and truncated.
nlohmann::json outcome_to_json(const Outcome& outcome);
/// Parses outcome_to_json() and makes texts printable. Returns an error that names the field for anything
/// else.
Expected<Outcome> outcome_from_json(const nlohmann::json& body);
/// Returns the outcome with its texts as outcome_from_json() would return them: printable and of limited length.
Outcome sanitized(const Outcome& outcome);

}  // namespace sweep
