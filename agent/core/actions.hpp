// What reaches the agent's state machine, and what it asks the driver (agent/io) to do. Plain values.
//
// AttemptRef names whose processes, files and questions they are: an attempt's, or a server's (server.hpp).
//
// Rules: an Action is performed in the order given. Whatever it leads to comes back as an Input; an Input
// about an attempt that the agent no longer has is ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/gpu_report.hpp"
#include "container/core/report.hpp"
#include "container/core/request.hpp"
#include "proto/wire/codec.hpp"
#include "proto/wire/messages.hpp"

namespace sweep::agent {

using wire::AttemptRef;

/// How a process ended: one of the two.
struct Ended {
  std::optional<int> code;
  std::optional<int> signal;
};

/// Tells whether a file is still the one that was looked at before.
struct FileStamp {
  std::uint64_t device = 0, inode = 0;
  std::uint64_t bytes = 0;
  std::int64_t changed_ns = 0;  // its content, Unix time
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// ---- inputs

/// The connection is there, both sides know each other's key.
struct Connected {};
/// The connection is cut; ZeroMQ tries to make it again.
struct Disconnected {};
/// The controller does not take this agent's key.
struct Refused {};
struct Received {
  wire::Message message;
};
struct Undecodable {
  wire::DecodeFault fault;
  std::string why;
};

/// Answers Prepare.
struct Prepared {
  AttemptRef ref;
  int port = 0;
  std::optional<FileStamp> old_result;  // of a result file that was there before
  std::string commit = {};              // of the git repository it is in; empty: none
};
/// Answers Prepare or Spawn: this machine lacks something that every benchmark needs.
struct NotPrepared {
  AttemptRef ref;
  std::string reason;
};
/// Answers Spawn.
struct ProcessStarted {
  AttemptRef ref;
  std::int64_t pid = 0;
};
/// Answers Spawn: this command cannot be started.
struct StartFailed {
  AttemptRef ref;
  std::string reason;
};
struct Output {
  AttemptRef ref;
  bool is_stderr = false;
  std::string bytes;
};
/// Its container could not be set up, and its command was not started. Before LeaderExited.
struct SetupFailed {
  AttemptRef ref;
  container::Failed why;
};
/// The attempt's first process has ended; others of its group may live on.
struct LeaderExited {
  AttemptRef ref;
  Ended how;
};
/// No process of the attempt is left, and all its output has been told. After LeaderExited.
struct GroupGone {
  AttemptRef ref;
};
/// Answers ReadResult.
struct ResultRead {
  AttemptRef ref;
  std::optional<FileStamp> stamp;  // none: there is no file
  std::string bytes;
  std::string problem;  // why it could not be read, empty when it could or is not there
};
/// Answers SpoolResult, whether it could be kept or not: the driver has said so where it could not.
struct Spooled {
  AttemptRef ref;
};
/// Answers OpenSpool, where there is something: the end of an attempt of an agent that is gone (`of` its
/// name), which it could not hand in. With `more`, the next one comes when this one has been dropped, so that
/// they are not in memory all at once.
struct Adopted {
  wire::Finished finished;
  std::string bytes;
  bool more = false;
};
/// Answers Ask: the HTTP status, or 0 and why there is none.
struct Answered {
  AttemptRef ref;
  int serial = 0;
  int status = 0;
  std::string problem;
};
/// When Slurm ends this agent's job, and what else it says; nothing where that could not be found out.
struct JobEndKnown {
  std::optional<Instant> end;
  std::string sharing = {}, slurm = {};  // wire::Ready
};
/// Answers AskNode: what Slurm says of the node; nothing where that could not be found out.
struct NodeKnown {
  std::vector<std::string> features, gpu_types;
};
/// From the process that samples GPUs.
struct GpuTold {
  GpuReport report;
};
/// Answers Stage, any number of times; Staged or Failed is the last.
struct StageTold {
  int serial = 0;
  container::Report report;
};
struct Signalled {
  int signal = 0;
};
/// The deadline has passed.
struct Tick {};

using Input =
    std::variant<Connected, Disconnected, Refused, Received, Undecodable, Prepared, NotPrepared,
                 ProcessStarted, StartFailed, Output, SetupFailed, LeaderExited, GroupGone, ResultRead,
                 Spooled, Adopted, Answered, JobEndKnown, NodeKnown, GpuTold, StageTold, Signalled, Tick>;

// ---- actions

struct Send {
  wire::Message message;
  std::string bulk;
};
/// Find a free port other than these, and look whether the result file is there already.
struct Prepare {
  AttemptRef ref;
  std::string result_path;
  std::vector<int> ports_in_use;
};
/// Start the benchmark in a process group of its own.
struct Spawn {
  AttemptRef ref;
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // NAME=value, all of it
  std::string directory;
  std::string mark;        // NAME=value, which, in its environment, tells its processes from those of others
  bool contained = false;  // argv is `sweep-agent --contain`, which sees to the processes below it
};
/// Bring an image to this node; at an idle pace where nobody waits for it yet.
struct Stage {
  int serial = 0;
  container::StageRequest request;
  bool ahead = false;
};
/// Nobody wants it any more.
struct StopStaging {
  int serial = 0;
};
/// SIGTERM, or SIGKILL, to every process of the attempt. Nothing where none is left.
struct SignalGroup {
  AttemptRef ref;
  bool kill = false;
};
/// Ask a server at 127.0.0.1 over HTTP. A question before it from the same ref is forgotten.
struct Ask {
  AttemptRef ref;
  int serial = 0;
  bool post = false;
  int port = 0;
  std::string path;
  Millis patience{0};
};
struct ReadResult {
  AttemptRef ref;
  std::string path;
};
/// Ask Slurm about this node.
struct AskNode {};
/// Make this agent's place in the sweep's spool, and look there for what others have left.
struct OpenSpool {
  std::string directory;  // as the profile says; empty: the driver's choice
  std::string sweep, agent;
};
/// Keep the end of an attempt on this node's disk until DropSpooled.
struct SpoolResult {
  wire::Finished finished;
  std::string bytes;
};
struct DropSpooled {
  AttemptRef ref;
  std::string of;  // whose it was; empty: this agent's own
};
/// Delete the file, unless it is another one by now.
struct RemoveFile {
  std::string path;
  FileStamp stamp;
};
/// A line for the user's terminal.
struct Warn {
  std::string text;
};
/// The last action. The reason is for the user's terminal; empty: nothing to say.
struct Exit {
  int status = 0;
  std::string reason;
};

using Action = std::variant<Send, Prepare, Spawn, Stage, StopStaging, SignalGroup, Ask, AskNode, ReadResult,
                            OpenSpool, SpoolResult, DropSpooled, RemoveFile, Warn, Exit>;
using Actions = std::vector<Action>;

}  // namespace sweep::agent
