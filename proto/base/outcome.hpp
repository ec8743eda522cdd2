// How an attempt ended. Every attempt ends in exactly one of these; nothing is inferred from "a file exists".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep {

enum class OutcomeKind {
  Ok,               // ended with status 0 and left a valid result
  BenchmarkFailed,  // ended with another status, was killed by a signal, or could not be started
  NoResult,         // ended with status 0, but left no result file
  InvalidResult,    // left a result file that is not what the serving client writes
  TimedOut,         // a phase ran past its deadline
  ServerFailed,     // a recipe's server could not be started, died, or was not well
  Infrastructure,   // the node, the agent or the connection failed, not the benchmark
  Cancelled,        // somebody stopped the sweep
  Preempted,        // Slurm took the node away (time limit, scancel)
};

struct Outcome {
  OutcomeKind kind = OutcomeKind::Ok;
  std::optional<int> exit_code;  // of the benchmark's first process
  std::optional<int> signal;     // that ended it
  std::string phase;             // in which it ended (PhaseTime::name)
  std::string reason;            // one line for people; may be empty where the rest says it all
};

/// The word for the kind as it stands in files and messages: "ok", "benchmark-failed", …
std::string_view outcome_word(OutcomeKind kind);
/// The kind of a word; nothing when it is none of them.
std::optional<OutcomeKind> outcome_kind(std::string_view word);

/// One line for people: "benchmark-failed: exit status 3".
std::string describe(const Outcome& outcome);

/// Always what outcome_from_json reads: a phase or reason that is too long is cut, and made printable
/// (text.hpp).
nlohmann::json outcome_to_json(const Outcome& outcome);
/// Fails, naming the field, on anything that outcome_to_json does not write, but for texts, which it makes
/// printable.
Expected<Outcome> outcome_from_json(const nlohmann::json& body);

}  // namespace sweep
