// What agents, people's commands and the controller say to each other. PROTOCOL.md has the legal order.
//
// Rule: these are plain values. A message is checked when it is decoded (codec.hpp): sizes, ranges and types
// are then right; whether it makes sense now is for the receiver to decide.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proto/base/account.hpp"
#include "proto/base/container_spec.hpp"
#include "proto/base/outcome.hpp"
#include "util/json.hpp"
#include "util/time.hpp"

namespace sweep::wire {

/// Names one try at one point.
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
  std::vector<std::string> command;  // what it will run per point; empty: what the profile names
  std::string credential = {};       // munge's, over hello_payload(); empty: it has none
  std::string no_credential = {};    // why it has none, for people
};

/// The agent can take leases now.
struct Ready {
  std::int64_t job_ends_ms = 0;  // Unix time at which Slurm ends this agent's job; 0: not known here
  std::string sharing = {};      // what Slurm says of the job's OverSubscribe; empty: not known here
  std::string slurm = {};        // its version; empty: not known here
  // What tells which runners its node serves:
  std::vector<std::string> features = {};   // Slurm's, of the node; empty: none, or not known here
  std::vector<std::string> gpu_types = {};  // as Slurm's GRES and the driver name them
  std::string partition = {};               // of its job; empty without Slurm
};

/// The benchmark's process is there.
struct Started {
  AttemptRef ref;
  std::int64_t pid = 0;
};

/// Where an attempt is: a phase, and how far the benchmark says it is (0 of 0 where it does not say).
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

/// The attempt is over, all its processes are gone and its GPUs are free. The result file's bytes are the
/// bulk when the outcome is ok. Sent again until Settled comes.
struct Finished {
  AttemptRef ref;
  Outcome outcome;
  std::int64_t wall_ms = 0;  // from the start of the process to its end
  std::string of = {};       // the agent that was leased it, where the sender found it in that one's spool
  Account account = {};
};

/// Sent when nothing else was for the time Welcome asked for.
struct Heartbeat {};

/// The agent ends.
struct Goodbye {
  std::string reason;
};

// ---- controller -> agent

struct Welcome {
  std::string sweep;       // the sweep's id
  bool pack_gpus = false;  // packing: gpu
  std::int64_t heartbeat_ms = 0;
  std::int64_t kill_grace_ms = 0;  // between SIGTERM and SIGKILL
  std::int64_t away_ms = 0;        // how long to go on, and to look for it, without a controller
  std::string spool = {};  // node-local directory for results under way; empty: the agent's own choice
  bool asks_node = false;  // Ready is to say what Slurm says of the node
};

/// The sender is not wanted; the reason is for people.
struct Reject {
  std::string reason;
};

/// Deadlines of one attempt; 0 means none.
struct Timeouts {
  std::int64_t server_ms = 0;     // until the server is ready
  std::int64_t benchmark_ms = 0;  // from then on
  std::int64_t point_ms = 0;      // all of it
};

/// The server that a recipe's client speaks to. Servers of one key are the same, and outlive a lease. The
/// expressions are POSIX extended ones, for one line of its output. Paths are asked for at 127.0.0.1 and the
/// server's PORT.
struct ServerSpec {
  std::string key;  // empty: the lease is a script, which starts what it needs
  std::vector<std::string> command;
  std::vector<std::string> names;    // of the lease's variables, those that the server gets
  std::string ready_url, ready_log;  // when it is ready: a path, or an expression; one of the two
  std::string health_url;            // path: 2xx means well; empty: it is well while it lives
  std::string reset_url;             // path to POST to between two attempts; empty: nothing to reset
  std::string progress;              // expression: a line by which loading gets on; empty: progress bars
  std::int64_t start_ms = 0;         // until its first output or answer; 0: no limit, as below
  std::int64_t progress_ms = 0;      // by so much progress extends server_ms,
  std::int64_t longest_ms = 0;       // up to this, all in all
  std::int64_t reset_ms = 0;         // for the answer to a reset, and to a question about its health
  std::int64_t warm_up_ms = 0;       // of the client, until its main run begins
};

struct Lease {
  AttemptRef ref;
  std::string label;
  int gpus = 0;
  std::string result_filename;                                   // without .json
  std::vector<std::pair<std::string, std::string>> environment;  // in addition to the agent's own
  std::vector<std::string> command;  // what the profile names; used when the agent was given no command
  std::string workspace;             // where to run; empty: where the agent stands
  Timeouts timeouts;
  ServerSpec server = {};
  ContainerSpec container = {};
};

/// The controller has the end of this attempt on disk; the agent may forget it.
struct Settled {
  AttemptRef ref;
  bool accepted = false;  // whether the result counts
};

struct Cancel {
  AttemptRef ref;
  std::string reason;
};

/// Nothing is left to do. `complete`: every point of the sweep is done.
struct Drain {
  bool complete = false;
  std::string reason;
};

// ---- people's commands

/// `credential`: as of Hello, over what net/munge.hpp says of a request.
struct StatusRequest {
  std::string credential, no_credential;
};
struct StatusReply {
  nlohmann::json status;
};
/// End the sweep: in order, or with `at_once` without waiting for the agents. Answered with StatusReply.
struct StopRequest {
  std::string reason;
  bool at_once = false;
  std::string credential = {}, no_credential = {};
};

using Message = std::variant<Hello, Ready, Started, Progress, LogChunk, Finished, Heartbeat, Goodbye, Welcome,
                             Reject, Lease, Settled, Cancel, Drain, StatusRequest, StatusReply, StopRequest>;

}  // namespace sweep::wire
