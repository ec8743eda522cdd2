// The messages between agents, commands and the controller. PROTOCOL.md specifies their order.
//
// Rule: these are plain values. Sizes, ranges and types are checked when a message is decoded (codec.hpp).
// Whether a message is allowed in the current state is checked by the receiver.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proto/base/account.hpp"
#include "proto/base/artifact.hpp"
#include "proto/base/container_spec.hpp"
#include "proto/base/outcome.hpp"
#include "util/time.hpp"

namespace sweep::wire {

/// Identifies one attempt at one point.
struct AttemptRef {
  std::string point;  // Point::id
  int attempt = 0;    // from 1
  friend bool operator==(const AttemptRef&, const AttemptRef&) = default;
};

// ---- agent -> controller

/// The first message of an agent on a connection.
struct Hello {
  std::string agent;  // unique in the sweep: job.step.task, or host:pid without Slurm
  std::string node;   // as Slurm names it, else the host's name
  std::string job;    // "123", empty without Slurm
  std::string step;   // "0", empty without Slurm
  int task = 0;
  int tasks = 1;                  // how many agents this step has
  std::vector<std::string> gpus;  // what CUDA_VISIBLE_DEVICES would name
  std::int64_t pid = 0;
  std::string version;               // of the agent, for people
  std::vector<std::string> command;  // the benchmark command; empty: the profile's benchmark
  std::string credential = {};       // munge credential for hello_payload(); empty: none
  std::string no_credential = {};    // why there is no credential, for people
};

/// The agent can take leases now.
struct Ready {
  std::int64_t job_ends_ms = 0;  // Unix time at which Slurm ends this agent's job; 0: unknown
  std::string sharing = {};      // the job's OverSubscribe in Slurm; empty: unknown
  std::string slurm = {};        // Slurm's version; empty: unknown
  // Traits of the node that decide which runners it serves:
  std::vector<std::string> features = {};   // Slurm features of the node; empty: none, or unknown
  std::vector<std::string> gpu_types = {};  // named as in Slurm's GRES and by the driver
  std::string partition = {};               // of the agent's job; empty without Slurm
  std::vector<std::string> gpu_names = {};  // of the agent's own GPUs, by the driver; empty: unknown
};

/// The benchmark's process has been started.
struct Started {
  AttemptRef ref;
  std::int64_t pid = 0;
  std::string directory = {};  // identifies its working directory on all nodes that share it; empty: unknown
};

/// The phase of an attempt, and the progress that the benchmark reports (0 of 0 if it reports none).
struct Progress {
  AttemptRef ref;
  std::string phase;
  std::int64_t done = 0;
  std::int64_t total = 0;
};

/// A piece of the benchmark's output; the bytes are the message's bulk.
struct LogChunk {
  AttemptRef ref;
  bool is_stderr = false;
};

/// The attempt has ended: all its processes are gone and its GPUs are free. If the outcome is ok, the bulk is
/// the result file. The agent sends it again until it receives Settled.
struct Finished {
  AttemptRef ref;
  Outcome outcome;
  std::int64_t wall_ms = 0;  // from the start of the process to its end
  std::string of = {};  // the agent that had the lease, if the sender found the result in that agent's spool
  Account account = {};
  std::vector<Artifact> files = {};  // that the agent keeps until Settled, for Fetch
};

/// A piece of a file that Finished listed; the bytes are the message's bulk. Answers Fetch.
struct Piece {
  AttemptRef ref;
  int file = 0;  // index in Finished::files
  std::int64_t offset = 0;
  std::string problem = {};  // why the file cannot be read; then there are no bytes
};

/// Sent if the agent has sent no other message for Welcome::heartbeat_ms.
struct Heartbeat {};

/// The agent exits.
struct Goodbye {
  std::string reason;
};

// ---- controller -> agent

struct Welcome {
  std::string sweep;       // the sweep's id
  bool pack_gpus = false;  // packing: gpu
  std::int64_t heartbeat_ms = 0;
  std::int64_t kill_grace_ms = 0;  // between SIGTERM and SIGKILL
  std::int64_t away_ms = 0;        // how long to run and to reconnect without a controller
  std::string spool = {};          // node-local directory for unfinished results; empty: the agent chooses
  bool asks_node = false;          // Ready must contain Slurm's data about the node
  bool asks_gpus = false;       // Ready must contain the type of the agent's GPUs, if that can be found out
  std::int64_t log_limit = 0;   // most bytes of output of one attempt that are sent; 0: no limit
  std::int64_t log_window = 0;  // most bytes of LogChunks without LogCredit for them; 0: no limit
  std::int64_t artifact_limit = 0;  // most bytes of files besides the result that are collected; 0: none
};

/// The receiver's Hello or request is rejected; the reason is for people.
struct Reject {
  std::string reason;
};

/// Time limits of one attempt; 0: none.
struct Timeouts {
  std::int64_t server_ms = 0;     // until the server is ready, if there is one
  std::int64_t benchmark_ms = 0;  // from then on; of a script without a server, from its start
  std::int64_t point_ms = 0;      // for the whole attempt
};

/// The server of a recipe. Leases with the same key share a running server, which outlives a lease.
/// Expressions are POSIX extended regular expressions for one line of its output. Paths are requested from
/// 127.0.0.1 at the server's PORT.
struct ServerSpec {
  std::string key;  // empty: the lease is a script, which may start a server itself
  std::vector<std::string> command;
  std::vector<std::string> names;  // those of the lease's variables that the server gets
  std::string ready_url,
      ready_log;                 // it is ready when the path answers 2xx or a line matches; one of the two
  std::string health_url;        // path that answers 2xx while the server is healthy; empty: no check
  std::string reset_url;         // path for a POST between two attempts; empty: no reset
  std::string progress;          // expression for a line that shows progress of loading; empty: progress bars
  std::int64_t start_ms = 0;     // until its first output or answer; 0: no limit, also below
  std::int64_t progress_ms = 0;  // each progress extends server_ms by this time
  std::int64_t longest_ms = 0;   // maximum total start time
  std::int64_t reset_ms = 0;     // for the answer to a reset or a health check
  std::int64_t warm_up_ms = 0;   // from the client's start to its main run
};

/// When an attempt is evaluated (lm-eval). The numbers are those of PROTOCOL.md.
enum class EvalWhen {
  Never = 0,
  After = 1,  // after the benchmark, on the same server
  Only = 2,   // instead of the benchmark
};

struct Lease {
  AttemptRef ref;
  std::string label;
  int gpus = 0;
  std::string result_filename;                                   // without .json
  std::vector<std::pair<std::string, std::string>> environment;  // in addition to the agent's environment
  std::vector<std::string> command;  // the profile's benchmark; used if the agent was given no command
  std::string workspace;             // working directory; empty: the agent's
  Timeouts timeouts;
  std::string script_ready = {};  // expression for a line of a script's output: its server is ready
  ServerSpec server = {};
  ContainerSpec container = {};
  EvalWhen eval = EvalWhen::Never;
  std::vector<std::string> eval_command =
      {};                    // of a recipe; empty: the benchmark's script evaluates by itself
  bool gpu_metrics = false;  // the attempt has to leave gpu_metrics.csv
};

/// The controller has stored the end of this attempt on disk; the agent may forget it.
struct Settled {
  AttemptRef ref;
  bool accepted = false;  // whether the result counts
};

/// Send the piece of the file at `offset`. If `file` is the number of files: send Finished again.
struct Fetch {
  AttemptRef ref;
  int file = 0;  // index in Finished::files
  std::int64_t offset = 0;
};

struct Cancel {
  AttemptRef ref;
  std::string reason;
};

/// There is no more work.
struct Drain {
  bool complete = false;  // every point of the sweep is done
  std::string reason;
  bool invalid = false;  // a done point's result is not valid, and the profile is strict about that
};

/// The controller has handled that many bytes of LogChunks since its last LogCredit on this connection.
struct LogCredit {
  std::int64_t bytes = 0;
};

// ---- commands of people

/// `credential`: like Hello's, but for request_payload() (net/munge.hpp).
struct StatusRequest {
  std::string credential, no_credential;
};
struct StatusReply {
  std::shared_ptr<const nlohmann::json> status;  // not null in a decoded message
};
/// Stops the sweep: cleanly, or with `at_once` without waiting for the agents. Answered with StatusReply.
struct StopRequest {
  std::string reason;
  bool at_once = false;
  std::string credential = {}, no_credential = {};
};

using Message = std::variant<Hello, Ready, Started, Progress, LogChunk, Finished, Heartbeat, Goodbye, Welcome,
                             Reject, Lease, Settled, Cancel, Drain, StatusRequest, StatusReply, StopRequest,
                             LogCredit, Fetch, Piece>;

}  // namespace sweep::wire
