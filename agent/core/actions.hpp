// The inputs of the agent's state machine, and the actions that the driver (agent/io) performs for it. Plain
// values.
//
// An AttemptRef names an attempt, or a server (server.hpp): the owner of processes, files and requests.
//
// Rules: actions are performed in the order given. Their consequences come back as inputs. An input about an
// attempt that the agent no longer has is ignored.
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

/// How a process ended: exactly one of the two is set.
struct Ended {
  std::optional<int> code;
  std::optional<int> signal;
};

/// Identifies one version of a file: if two stamps are equal, the file has not changed in between.
struct FileStamp {
  std::uint64_t device = 0, inode = 0;
  std::uint64_t bytes = 0;
  std::int64_t changed_ns = 0;  // modification time, Unix time in ns
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// A file below a working directory.
struct FoundFile {
  std::string name;  // path below the directory
  FileStamp stamp;
  bool own = false;     // in the attempt's own folder; then `name` is its path below that folder
  bool regular = true;  // not a link, FIFO, device or socket
  friend bool operator==(const FoundFile&, const FoundFile&) = default;
};

// ---- inputs

/// The connection is established, and both sides have accepted each other's key.
struct Connected {};
/// The connection is cut. ZeroMQ tries to establish it again.
struct Disconnected {};
/// The controller does not accept this agent's key.
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
  std::optional<FileStamp> old_result;  // of a result file that existed before
  std::string commit = {};              // of the git repository that contains it; empty: none
  std::string directory = {};  // identifies the working directory on all nodes that share it; empty: unknown
  bool own_folder = false;     // the attempt's own folder has been created
  std::vector<FoundFile> old_files = {};      // that the attempt might leave, and that existed before
  std::optional<FileStamp> old_metrics = {};  // of a file at Prepare::metrics_path
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
/// Answers Prepare or Spawn: this command cannot be started, or cannot leave its result.
struct StartFailed {
  AttemptRef ref;
  std::string reason;
};
struct Output {
  AttemptRef ref;
  bool is_stderr = false;
  std::string bytes;
};
/// The container could not be set up, so the command was not started. Comes before LeaderExited.
struct SetupFailed {
  AttemptRef ref;
  container::Failed why;
};
/// The first process has ended; other processes of its group may still be alive.
struct LeaderExited {
  AttemptRef ref;
  Ended how;
};
/// No process is left, and all output has been passed on. Comes after LeaderExited.
struct GroupGone {
  AttemptRef ref;
};
/// Answers ReadResult.
struct ResultRead {
  AttemptRef ref;
  std::optional<FileStamp> stamp;  // std::nullopt: there is no file
  std::string bytes;
  std::string problem;  // why the file could not be read; empty if it was read or does not exist
  std::optional<FileStamp> metrics = {};  // of the file at ReadResult::metrics_path
  std::vector<FoundFile> files = {};      // that it may have left in ReadResult::directory
};
/// Answers LeaveGpuMetrics.
struct GpuMetricsLeft {
  AttemptRef ref;
  std::string problem;  // why there is no such file now; empty if there is
};
/// Answers CollectFiles: the copies that are kept, and why others are not ("server.log: reason").
struct FilesCollected {
  AttemptRef ref;
  std::vector<Artifact> files;
  std::vector<std::string> left_out;
};
/// Answers ReadPiece.
struct PieceRead {
  wire::Piece piece;
  std::string bytes;
};
/// Answers SpoolResult, whether the result could be kept or not. If not, the driver has reported that.
struct Spooled {
  AttemptRef ref;
};
/// Answers OpenSpool if there is something: the outcome of an attempt that an earlier agent (`of` is its
/// name) could not deliver. If `more` is true, the next one comes after this one has been dropped, so that
/// they are not all in memory at once.
struct Adopted {
  wire::Finished finished;
  std::string bytes;
  bool more = false;
};
/// Answers AskServer: the HTTP status; or 0, and `problem` is the reason.
struct ServerAnswered {
  AttemptRef ref;
  int serial = 0;
  int status = 0;
  std::string problem;
};
/// When Slurm ends this agent's job, and what else Slurm reports. Members are empty if unknown.
struct JobEndKnown {
  std::optional<Instant> end;
  std::string sharing = {}, slurm = {};  // see wire::Ready
};
/// Answers AskNode: what Slurm reports about the node. Members are empty if unknown.
struct NodeKnown {
  std::vector<std::string> features, gpu_types;
};
/// A report of the process that samples the GPUs.
struct GpuReported {
  GpuReport report;
};
/// Answers Stage, any number of times; the last report is Staged or Failed.
struct StageReported {
  int serial = 0;
  container::Report report;
};
struct Signalled {
  int signal = 0;
};
/// The agent did not run for this time, because it or its whole job was suspended. `now` does not include it.
struct Suspended {
  Millis length{0};
};
/// The time of next_deadline() has come.
struct Tick {};

using Input =
    std::variant<Connected, Disconnected, Refused, Received, Undecodable, Prepared, NotPrepared,
                 ProcessStarted, StartFailed, Output, SetupFailed, LeaderExited, GroupGone, ResultRead,
                 GpuMetricsLeft, FilesCollected, PieceRead, Spooled, Adopted, ServerAnswered, JobEndKnown,
                 NodeKnown, GpuReported, StageReported, Signalled, Suspended, Tick>;

// ---- actions

struct Send {
  wire::Message message;
  std::string bulk;
};
/// Find a free port other than these, and check whether the result file exists already.
struct Prepare {
  AttemptRef ref;
  std::string result_path;
  std::vector<int> ports_in_use;
  bool finds_files = false;       // look for the files that the attempt might leave (artifacts.hpp)
  std::string own_folder = {};    // create this folder below the working directory; empty: none
  std::string metrics_path = {};  // of a gpu_metrics.csv whose stamp is wanted; empty: none
};
/// Start a command in a new process group.
struct Spawn {
  AttemptRef ref;
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // the whole environment, NAME=value
  std::string directory;
  std::string mark;  // NAME=value in its environment, which identifies all processes that descend from it
  bool contained = false;  // argv is `sweep-agent --contain`, which supervises the processes below it
};
/// Bring an image to this node. `ahead`: no attempt waits for it yet, so do it at low priority.
struct Stage {
  int serial = 0;
  container::StageRequest request;
  bool ahead = false;
};
/// The image is no longer needed.
struct StopStaging {
  int serial = 0;
};
/// Send SIGTERM, or SIGKILL, to every process of the attempt or server. No-op if none is left.
struct SignalGroup {
  AttemptRef ref;
  bool kill = false;
};
/// Send an HTTP request to a server at 127.0.0.1. It replaces an earlier request with the same ref.
struct AskServer {
  AttemptRef ref;
  int serial = 0;
  bool post = false;
  int port = 0;
  std::string path;
  Millis patience{0};
};
/// Read the result file, and find other files as in Prepare. What an empty path names is not wanted.
struct ReadResult {
  AttemptRef ref;
  std::string path;
  std::string metrics_path = {};
  std::string directory = {}, own_folder = {};  // the own folder is below the directory
};
/// Keep these lines of the attempt's gpu_metrics.csv on this node's disk, after those that it has already.
struct KeepGpuSamples {
  AttemptRef ref;
  std::string text;
};
/// Write the kept lines to `path`. A file that is there is replaced if it has the stamp `old`.
struct LeaveGpuMetrics {
  AttemptRef ref;
  std::string path;
  std::optional<FileStamp> old;
};
/// Forget the kept lines.
struct DropGpuSamples {
  AttemptRef ref;
};
/// Copy the files that the attempt left below its directory into the spool, as choose_artifacts() says.
struct CollectFiles {
  AttemptRef ref;
  std::string directory;
  std::string own_folder;   // below the directory; empty: none
  std::string result_name;  // the result's file name, which is not collected
  std::vector<FoundFile> old_files;
  std::int64_t most_bytes = 0;
};
/// Stop copying, because the agent or the attempt is to end. Answered with FilesCollected.
struct StopCollecting {
  AttemptRef ref;
};
/// Read a piece of a file that is kept in the spool.
struct ReadPiece {
  AttemptRef ref;
  std::string of;  // the agent that kept it; empty: this agent
  int file = 0;
  std::int64_t offset = 0;
};
/// Remove the attempt's own folder with everything in it.
struct RemoveFolder {
  std::string directory, folder;
};
/// Ask Slurm about this node.
struct AskNode {};
/// Ask Slurm again when the job ends: Slurm moves that by the time for which the job was suspended.
struct AskJobEnd {};
/// Create this agent's folder in the sweep's spool, and look for results that earlier agents left there.
struct OpenSpool {
  std::string directory;  // from the profile; empty: the driver chooses
  std::string sweep, agent;
};
/// Keep the outcome of an attempt on this node's disk until DropSpooled.
struct SpoolResult {
  wire::Finished finished;
  std::string bytes;
};
struct DropSpooled {
  AttemptRef ref;
  std::string of;  // the agent that wrote it; empty: this agent
};
/// Stop reading the output of all processes, or read it again.
struct PauseOutput {
  bool pause = false;
};
/// Delete the file, unless it has changed.
struct RemoveFile {
  std::string path;
  FileStamp stamp;
};
/// Print a line on the user's terminal.
struct Warn {
  std::string text;
};
/// End the agent. The last action. `reason` is printed on the user's terminal unless it is empty.
struct Exit {
  int status = 0;
  std::string reason;
};

using Action = std::variant<Send, Prepare, Spawn, Stage, StopStaging, SignalGroup, AskServer, AskNode,
                            AskJobEnd, ReadResult, KeepGpuSamples, LeaveGpuMetrics, DropGpuSamples,
                            CollectFiles, StopCollecting, ReadPiece, RemoveFolder, OpenSpool, SpoolResult,
                            DropSpooled, PauseOutput, RemoveFile, Warn, Exit>;
using Actions = std::vector<Action>;

}  // namespace sweep::agent
