// The agent's state machine with a fake driver and a clock that the test moves. For the tests of agent/core.
//
// After every step the fixture checks what must always hold: only Hello and Goodbye are sent before the
// controller has answered Hello; nothing but Finished is sent about an attempt after its end; all Finished of
// an attempt are equal and come after it was spooled; running attempts share no port; and a deadline that has
// passed is not due again.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "agent/core/agent.hpp"
#include "agent/core/artifacts.hpp"
#include "agent/core/identity.hpp"
#include "util/json.hpp"

namespace sweep::agent {

inline std::string value(const Spawn& spawn, std::string_view name) {
  return look_up(spawn.environment, name).value_or("(unset)");
}

class ScriptedAgent {
 public:
  ScriptedAgent() : ScriptedAgent(default_setup()) {}
  explicit ScriptedAgent(Setup setup) : agent_(std::move(setup), now) {}

  static constexpr const char* kDirectory = "/home/u";

  static Setup default_setup(const std::vector<std::string>& gpus = {"0", "1", "2", "3"}) {
    Setup setup;
    setup.hello.agent = "12.0.3";
    setup.hello.node = "n1";
    setup.hello.command = {"bench", "-v"};
    setup.gpus = {gpus, "CUDA_VISIBLE_DEVICES"};
    setup.hello.gpus = gpus;
    setup.environment = {"PATH=/bin", "CUDA_VISIBLE_DEVICES=0,1,2,3"};
    setup.directory = kDirectory;
    setup.endpoint = "tcp://host:5";
    return setup;
  }

  static wire::Lease lease(const std::string& point, int gpus = 4, int attempt = 1) {
    wire::Lease out;
    out.ref = {point, attempt};
    out.gpus = gpus;
    out.result_filename = "result_" + point;
    out.environment = {{"CONC", "4"}};
    return out;
  }

  // ---- inputs

  void feed(const Input& input) {
    for (const Action& action : agent_.on(input, now)) {
      std::visit([&](const auto& what) { perform(what); }, action);
    }
    while (!answers_.empty() && !driver_is_slow) {
      const Input answer = answers_.front();
      answers_.erase(answers_.begin());
      feed(answer);
    }
    if (std::holds_alternative<Tick>(input)) {
      const auto next = agent_.next_deadline();
      EXPECT_TRUE(!next || *next > now) << "a deadline that has passed is due again";
    }
  }
  void receive(wire::Message message) {
    if (std::holds_alternative<wire::Welcome>(message) || std::holds_alternative<wire::Drain>(message)) {
      answered_ = true;
    }
    feed(Received{std::move(message)});
  }
  /// Lets time pass, deadline by deadline.
  void pass(Millis time) {
    const Instant end = now + time;
    for (int i = 0; i < 10'000; ++i) {
      const auto next = agent_.next_deadline();
      if (!next || *next > end) break;
      now = std::max(now, *next);
      feed(Tick{});
    }
    now = end;
  }

  void connect() {
    connected_ = true;
    answered_ = false;
    feed(Connected{});
  }
  void disconnect() {
    connected_ = answered_ = false;
    feed(Disconnected{});
  }
  void welcome(bool pack = false, std::int64_t grace_ms = 5'000) {
    receive(wire::Welcome{"s", pack, 10'000, grace_ms});
  }
  void join(bool pack = false) {
    connect();
    welcome(pack);
  }
  void start(const std::string& point, std::int64_t pid = 100) { feed(ProcessStarted{{point, 1}, pid}); }
  void lease_and_start(const std::string& point, int gpus = 4) {
    receive(lease(point, gpus));
    start(point);
  }
  void print(const std::string& point, const std::string& text, bool is_stderr = false) {
    feed(Output{{point, 1}, is_stderr, text});
  }
  /// The first process exits, and no other process is left.
  void exit(const std::string& point, Ended how = {0, {}}) {
    feed(LeaderExited{{point, 1}, how});
    feed(GroupGone{{point, 1}});
  }
  void leave_result(const std::string& point, const std::string& bytes) {
    leave_file("/home/u/result_" + point + ".json", bytes);
  }
  void leave_file(const std::string& path, const std::string& bytes) {
    files[path] = {{}, FileStamp{1, next_inode_++, bytes.size(), 5}, bytes, {}};
  }

  // ---- results

  template <class T>
  std::vector<T> messages() const {
    std::vector<T> out;
    for (const Send& send : sent) {
      if (const auto* message = std::get_if<T>(&send.message)) out.push_back(*message);
    }
    return out;
  }
  /// Returns the outcome of the only attempt that has finished.
  Outcome outcome() const {
    const auto all = messages<wire::Finished>();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? Outcome{} : all[0].outcome;
  }
  std::optional<Instant> next_deadline() const { return agent_.next_deadline(); }

  Instant now = from_unix_ms(1'700'000'000'000);
  std::vector<Send> sent;
  std::vector<Spawn> spawned;
  std::vector<SignalGroup> signals;
  std::vector<std::string> removed, warned;
  std::optional<OpenSpool> opened;
  std::vector<Adopted> left_results;  // by earlier agents
  std::vector<SpoolResult> kept;
  std::vector<DropSpooled> dropped;
  std::optional<Exit> exited;
  bool paused = false;                             // reading output
  std::map<std::string, ResultRead> files;         // the result files and others on the node, by path
  std::map<std::string, std::string> gpu_samples;  // the kept lines of gpu_metrics.csv, by point
  std::vector<std::string> left_metrics;           // paths
  bool leaves_metrics = true;                      // false: the driver does not answer
  std::vector<AskServer> asked;
  std::vector<CollectFiles> collected;
  std::vector<ReadPiece> pieces_read;
  std::vector<Artifact> artifacts;    // that each attempt leaves
  std::vector<std::string> left_out;  // the same
  int stopped_collecting = 0;
  bool collecting_is_slow = false, has_own_folder = false;
  std::vector<Prepare> prepared;
  std::vector<Stage> staged;
  std::vector<int> unstaged;
  int asked_node = 0, asked_job_end = 0;
  std::set<std::string> only_evaluated;  // points that leave no result
  bool checks_ports = true;              // false if clients share the ports of servers
  bool driver_is_slow = false;           // the driver does not answer the agent's actions yet

 private:
  void perform(const Send& what) {
    sent.push_back(what);
    EXPECT_TRUE(connected_);
    const bool early = std::holds_alternative<wire::Hello>(what.message) ||
                       std::holds_alternative<wire::Goodbye>(what.message);
    EXPECT_TRUE(answered_ || early) << wire::type_name(what.message) << " before the answer to Hello";
    if (const auto* m = std::get_if<wire::Finished>(&what.message)) check(*m, what.bulk);
    if (const auto* m = std::get_if<wire::Progress>(&what.message)) check_runs(m->ref);
    if (const auto* m = std::get_if<wire::LogChunk>(&what.message)) check_runs(m->ref);
  }
  static std::string name_of(const AttemptRef& ref) { return ref.point + "/" + std::to_string(ref.attempt); }
  void check_runs(const AttemptRef& ref) {
    EXPECT_FALSE(finished_.contains(name_of(ref)))
        << "a message about " << ref.point << " after its Finished";
  }
  void check(const wire::Finished& message, const std::string& bulk) {
    if (!message.of.empty()) return;
    const bool was_kept = std::any_of(kept.begin(), kept.end(), [&](const SpoolResult& k) {
      return k.finished.ref == message.ref && k.bytes == bulk;
    });
    EXPECT_TRUE(was_kept) << message.ref.point << " is sent before it is spooled";
    const std::string all = outcome_to_json(message.outcome).dump() + std::to_string(message.wall_ms) + bulk;
    const auto [known, first] = finished_.try_emplace(name_of(message.ref), all);
    EXPECT_EQ(known->second, all) << "another Finished for " << message.ref.point;
    EXPECT_EQ(bulk.empty(),
              message.outcome.kind != OutcomeKind::Ok || only_evaluated.contains(message.ref.point));
  }
  void perform(const Prepare& what) {
    std::set<int> mine;
    for (const auto& [point, port] : ports_)
      mine.insert(port);
    if (checks_ports) {
      EXPECT_EQ(std::set<int>(what.ports_in_use.begin(), what.ports_in_use.end()), mine);
    }
    const int port = next_port_++;
    ports_[what.ref.point] = port;
    const auto file = files.find(what.result_path);
    prepared.push_back(what);
    Prepared answer{what.ref, port, file == files.end() ? std::nullopt : file->second.stamp};
    answer.own_folder = has_own_folder && !what.own_folder.empty();
    answer.directory = "dir";
    answer.old_metrics = stamp_of(what.metrics_path);
    if (what.finds_files) answer.old_files = found_in(kDirectory, "");
    answers_.emplace_back(std::move(answer));
  }
  std::optional<FileStamp> stamp_of(const std::string& path) const {
    const auto file = files.find(path);
    return file == files.end() ? std::nullopt : file->second.stamp;
  }
  std::vector<FoundFile> found_in(const std::string& directory, const std::string& own_folder) const {
    std::vector<FoundFile> out;
    for (const auto& [path, file] : files) {
      if (!path.starts_with(directory + "/")) continue;
      const std::string name = path.substr(directory.size() + 1);
      if (!own_folder.empty() && name.starts_with(own_folder + "/")) {
        out.push_back({name.substr(own_folder.size() + 1), *file.stamp, true});
      } else if (is_artifact(name)) {
        out.push_back({name, *file.stamp});
      }
    }
    return out;
  }
  void perform(const Spawn& what) { spawned.push_back(what); }
  void perform(const Stage& what) {
    for (const Stage& known : staged)
      EXPECT_NE(known.serial, what.serial);
    staged.push_back(what);
  }
  void perform(const StopStaging& what) { unstaged.push_back(what.serial); }
  void perform(const SignalGroup& what) { signals.push_back(what); }
  void perform(const AskServer& what) { asked.push_back(what); }
  void perform(const AskNode&) { ++asked_node; }
  void perform(const AskJobEnd&) { ++asked_job_end; }
  void perform(const ReadResult& what) {
    const auto file = files.find(what.path);
    ResultRead result = file == files.end() ? ResultRead{} : file->second;
    result.ref = what.ref;
    result.metrics = stamp_of(what.metrics_path);
    if (!what.directory.empty()) result.files = found_in(what.directory, what.own_folder);
    answers_.emplace_back(result);
  }
  void perform(const KeepGpuSamples& what) { gpu_samples[what.ref.point] += what.text; }
  void perform(const LeaveGpuMetrics& what) {
    EXPECT_TRUE(gpu_samples.contains(what.ref.point)) << "nothing is kept";
    leave_file(what.path, gpu_samples[what.ref.point]);
    left_metrics.push_back(what.path);
    if (leaves_metrics) answers_.emplace_back(GpuMetricsLeft{what.ref, ""});
  }
  void perform(const DropGpuSamples& what) { EXPECT_EQ(gpu_samples.erase(what.ref.point), 1u); }
  void perform(const CollectFiles& what) {
    collected.push_back(what);
    if (!collecting_is_slow) answers_.emplace_back(FilesCollected{what.ref, artifacts, left_out});
  }
  void perform(const StopCollecting& what) {
    ++stopped_collecting;
    answers_.emplace_back(FilesCollected{what.ref, {}, {"not collected: stopped"}});
  }
  void perform(const ReadPiece& what) {
    pieces_read.push_back(what);
    answers_.emplace_back(PieceRead{{what.ref, what.file, what.offset}, "bytes"});
  }
  void perform(const RemoveFolder& what) { removed.push_back(what.directory + "/" + what.folder); }
  void perform(const OpenSpool& what) {
    EXPECT_FALSE(opened) << "the spool was opened twice";
    opened = what;
    for (const Adopted& left : left_results)
      answers_.emplace_back(left);
  }
  void perform(const SpoolResult& what) {
    EXPECT_FALSE(finished_.contains(name_of(what.finished.ref))) << "sent before it was spooled";
    kept.push_back(what);
    ports_.erase(what.finished.ref.point);
    answers_.emplace_back(Spooled{what.finished.ref});
  }
  void perform(const DropSpooled& what) { dropped.push_back(what); }
  void perform(const PauseOutput& what) { paused = what.pause; }
  void perform(const RemoveFile& what) { removed.push_back(what.path); }
  void perform(const Warn& what) { warned.push_back(what.text); }
  void perform(const Exit& what) {
    EXPECT_FALSE(exited);
    exited = what;
  }

  Agent agent_;
  std::vector<Input> answers_;
  bool connected_ = false, answered_ = false;
  std::map<std::string, std::string> finished_;
  std::map<std::string, int> ports_;
  int next_port_ = 20'000;
  std::uint64_t next_inode_ = 1;
};

}  // namespace sweep::agent
