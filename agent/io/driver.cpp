#include "agent/io/driver.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <filesystem>
#include <optional>
#include <zmq.hpp>

#include "agent/core/agent.hpp"
#include "agent/core/identity.hpp"
#include "agent/core/job_end.hpp"
#include "agent/core/node_traits.hpp"
#include "agent/io/artifact_files.hpp"
#include "agent/io/children.hpp"
#include "agent/io/git_commit.hpp"
#include "agent/io/gpu_metrics_files.hpp"
#include "agent/io/gpu_sampler.hpp"
#include "agent/io/http_client.hpp"
#include "agent/io/machine.hpp"
#include "agent/io/slurm_query.hpp"
#include "agent/io/spool.hpp"
#include "agent/io/staging.hpp"
#include "proto/base/env_names.hpp"
#include "proto/net/event_loop.hpp"
#include "proto/net/munge.hpp"
#include "proto/net/sockets.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/os/process.hpp"
#include "util/os/queued_writer.hpp"
#include "util/os/signals.hpp"
#include "util/pause_watch.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr Millis kMungeRetry{2'000};

class Driver {
 public:
  Driver(Setup setup, const Access& access, ClientSocket socket, SignalFd signals)
      : access_(access),
        signals_(std::move(signals)),
        socket_(std::move(socket)),
        job_end_command_(job_end_command(setup.hello)),
        node_command_(node_command(setup.hello)),
        sampled_(setup.sampled),
        agent_(std::move(setup), now()) {
    // Signals come first: Slurm signals the agent and its benchmarks together, and the agent must see its own
    // signal before it sees a benchmark's end.
    loop_.watch_pauses([this](Millis gap) { on_pause(gap); });
    loop_.watch(signals_.fd(), [this] { on_signals(); });
    loop_.watch(socket_.connection().socket(), [this] { on_connection(); });
    loop_.watch(socket_.socket(), [this] { on_messages(); });
    if (!job_end_command_.empty()) ask_job_end();
    start_sampler();
  }

  int run() {
    while (!exit_) {
      const auto deadline = agent_.next_deadline();
      const auto wake_at =
          earlier(earlier(earlier(deadline, earlier(job_end_query_.deadline(), node_query_.deadline())),
                          earlier(http_client_.deadline(), next_pause_check())),
                  earlier(earlier(retry_hello_at_, children_.deadline()), sampler_.deadline()));
      planned_ = std::max(now(), wake_at.value_or(Instant::max()));
      continued_ = false;
      loop_.step(copier_.active() ? now() : wake_at);
      copier_.step();
      http_client_.on_deadline(now());
      sampler_.on_deadline(now());
      job_end_query_.on_deadline(now());
      node_query_.on_deadline(now());
      if (const auto due = children_.deadline(); due && now() >= *due) children_.collect();
      retry_hello();
      if (deadline && now() >= *deadline) inputs_.emplace_back(Tick{});
      work();
    }
    if (!exit_->reason.empty()) print_line(exit_->reason);
    report_unacknowledged();
    return exit_->status;
  }

 private:
  void work() {
    while (!inputs_.empty() && !exit_) {
      const Input input = std::move(inputs_.front());
      inputs_.pop_front();
      for (Action& action : agent_.on(input, now())) {
        std::visit([this](auto& what) { perform(what); }, action);
      }
    }
  }

  void on_signals() {
    bool child = false;
    for (const int signal : signals_.take()) {
      if (signal == SIGCHLD) {
        child = true;
      } else if (signal == SIGCONT) {
        continued_ = true;
      } else {
        inputs_.emplace_back(Signalled{signal});
      }
    }
    if (child) children_.collect();
  }

  void on_connection() {
    while (const auto event = socket_.connection().next()) {
      if (*event == ConnectionEvent::Up) inputs_.emplace_back(Connected{});
      if (*event == ConnectionEvent::Down) {
        retry_hello_at_.reset();  // the next connection sends its own Hello
        inputs_.emplace_back(Disconnected{});
      }
      if (*event == ConnectionEvent::Refused) inputs_.emplace_back(Refused{});
    }
  }

  void on_messages() {
    while (auto incoming = socket_.receive()) {
      if (incoming->content) {
        inputs_.emplace_back(Received{std::move(incoming->content->message)});
      } else {
        inputs_.emplace_back(Undecodable{incoming->content.error().fault, incoming->content.error().message});
      }
    }
  }

  void ask_job_end() {
    job_end_query_.ask(job_end_command_, slurm_environment(own_environment()), now() + Limits{}.job_end,
                       [this](const std::string& text, const std::string& problem) {
                         const auto end = problem.empty() ? parse_end_time(text) : fail(problem);
                         inputs_.emplace_back(JobEndKnown{end.value_or(std::nullopt), parse_sharing(text),
                                                          parse_slurm_version(text)});
                         if (end || job_end_from(own_environment())) return;
                         print_line("cannot determine when the job ends: " + printable(end.error().message) +
                                    "; the controller may start points that the job has no time to finish");
                       });
    ignore(job_end_query_);
  }

  /// Keeps the query's process apart from those of an attempt, with which it would be ended.
  void ignore(const SlurmQuery& query) {
    if (const auto pid = query.pid()) children_.ignore_helper(*pid);
  }

  /// Returns when to wake at the latest. A suspension is noticed by how late the agent wakes, so while a
  /// benchmark runs it wakes often enough to notice one that hardly exceeds PauseWatch::kLateness.
  std::optional<Instant> next_pause_check() const {
    constexpr Millis kInterval{1'000};
    return children_.any() ? std::optional(now() + kInterval) : std::nullopt;
  }

  /// Continues with the clock that it had before, so that a suspended job loses no time. The sampler's times
  /// follow the clock with which it was started, so it is started anew. A call of the agent's own that took
  /// long, such as a write to a slow disk, is no suspension, unless the agent was continued (SIGCONT) in it.
  /// `gap`: for how long the loop did not run.
  void on_pause(Millis gap) {
    on_signals();  // a SIGCONT may have come
    const Millis late = now() - planned_;
    const Millis pause = late >= PauseWatch::kLateness ? late : continued_ ? gap : Millis(0);
    if (pause < PauseWatch::kLateness) return;
    skip_pause(pause);
    inputs_.emplace_front(Suspended{pause});
    if (!sampler_.running()) return;
    sampler_.stop();
    start_sampler();
  }

  void perform(AskJobEnd&) { ask_job_end(); }
  void perform(AskNode&) {
    node_query_.ask(node_command_, slurm_environment(own_environment()), now() + Limits{}.job_end,
                    [this](const std::string& text, const std::string& problem) {
                      inputs_.emplace_back(parse_node_traits(text));
                      if (!problem.empty())
                        print_line("cannot ask Slurm about this node: " + printable(problem));
                    });
    ignore(node_query_);
  }

  /// Starts the sampler, also after it has exited. No-op if there are no GPUs to sample or it has failed too
  /// often.
  void start_sampler() {
    if (sampled_.empty() || sampler_.running()) return;
    SamplerSettings settings;
    settings.gpus = sampled_;
    settings.clock_offset = clock_offset();
    sampler_.start(own_command(SWEEP_ENV_LOADER, SWEEP_ENV_AGENT), settings, own_environment(),
                   [this](GpuReport report) { inputs_.emplace_back(GpuReported{std::move(report)}); });
    if (const auto pid = sampler_.pid()) children_.ignore_helper(*pid);
  }

  /// Reports results that the controller has not acknowledged, and how they will be delivered.
  void report_unacknowledged() const {
    if (spool_.kept() > 0) {
      print_line("the controller has not acknowledged the outcome of " + counted(spool_.kept(), "attempt") +
                 "; kept in '" + spool_.folder() +
                 "'; the next agent of this sweep on this node delivers it");
    }
    if (!unspooled_results_.empty()) {
      print_line("the controller has not acknowledged " + counted(unspooled_results_.size(), "result") +
                 "; without a spool, only the workspace has it");
    }
  }

  void perform(Send& what) {
    auto* hello = std::get_if<wire::Hello>(&what.message);
    if (hello == nullptr || attach_credential(*hello)) socket_.send(what.message, what.bulk);
  }
  /// Attaches a fresh munge credential, because one can be used only once and only for a short time. Returns
  /// false if munge has worked before but fails now; the Hello is retried then, because one without a
  /// credential would be rejected, and the running attempts with it.
  bool attach_credential(wire::Hello& hello) {
    auto credential = munge_credential(hello_payload(access_.server_key, hello));
    if (credential) {
      munge_has_worked_ = true;
      hello.credential = std::move(*credential);
    } else if (munge_has_worked_) {
      retry_hello_at_ = now() + kMungeRetry;
      if (!std::exchange(warned_of_munge_, true)) {
        print_line("cannot authenticate to the controller again: " + printable(credential.error().message) +
                   "; retrying until munge works");
      }
      return false;
    } else {
      hello.no_credential = credential.error().message;
    }
    return true;
  }
  void retry_hello() {
    if (!retry_hello_at_ || now() < *retry_hello_at_) return;
    retry_hello_at_.reset();
    inputs_.emplace_back(Connected{});
  }
  void perform(Prepare& what) {
    start_sampler();
    const auto port = free_port(what.ports_in_use);
    // In front of the inputs that have arrived: the next lease's Prepare must exclude this port.
    if (!port) {
      inputs_.emplace_front(NotPrepared{what.ref, port.error().message});
    } else if (const std::string problem = result_folder_problem(what.result_path); !problem.empty()) {
      inputs_.emplace_front(StartFailed{what.ref, problem});
    } else {
      const std::string folder = what.result_path.substr(0, what.result_path.rfind('/') + 1);
      Prepared prepared{what.ref, *port, stamp_of(what.result_path),
                        folder.empty() ? std::string() : git_commit(folder)};
      if (what.finds_files && !folder.empty()) {
        prepared.directory = directory_id(folder);
        prepared.old_files = find_artifacts(folder, "");
        prepared.own_folder = !what.own_folder.empty() && create_own_folder(folder, what.own_folder);
      }
      if (!what.metrics_path.empty()) prepared.old_metrics = stamp_of(what.metrics_path);
      inputs_.emplace_front(std::move(prepared));
    }
  }
  void perform(CollectFiles& what) {
    const auto folder = spool_.files_folder(what.ref);
    if (folder) return copier_.start(what, *folder);
    inputs_.emplace_back(FilesCollected{what.ref, {}, {not_collected(folder.error().message)}});
  }
  void perform(StopCollecting& what) { copier_.stop(what.ref); }
  void perform(ReadPiece& what) {
    auto bytes = spool_.read_piece(what.ref, what.of, what.file, what.offset, kArtifactPiece);
    wire::Piece piece{what.ref, what.file, what.offset, bytes ? "" : bytes.error().message};
    inputs_.emplace_back(PieceRead{std::move(piece), bytes ? std::move(*bytes) : std::string()});
  }
  void perform(RemoveFolder& what) { remove_own_folder(what.directory, what.folder); }
  void perform(AskServer& what) { http_client_.send(what, now()); }
  void perform(Spawn& what) { children_.start(what); }
  void perform(Stage& what) {
    if (const auto pid = staging_.start(own_executable(), what)) children_.ignore_helper(*pid);
  }
  void perform(StopStaging& what) { staging_.stop(what.serial); }
  void perform(SignalGroup& what) { children_.signal(what.ref, what.kill); }
  void perform(ReadResult& what) {
    ResultRead read =
        what.path.empty() ? ResultRead{what.ref, std::nullopt, {}, {}} : read_result(what.ref, what.path);
    if (!what.metrics_path.empty()) read.metrics = stamp_of(what.metrics_path);
    if (!what.directory.empty()) read.files = find_artifacts(what.directory, what.own_folder);
    inputs_.emplace_back(std::move(read));
  }
  void perform(KeepGpuSamples& what) { gpu_metrics_.keep(std::move(what)); }
  void perform(LeaveGpuMetrics& what) { gpu_metrics_.leave(std::move(what)); }
  void perform(DropGpuSamples& what) { gpu_metrics_.drop(std::move(what)); }
  void perform(OpenSpool& what) {
    if (const auto open = spool_.open(what.directory, what.sweep, what.agent); !open)
      return warn_of_spool(open.error());
    if (!spool_.note().empty()) print_line(spool_.note());
    adopt_next();
  }
  void adopt_next() {
    std::vector<std::string> notes;
    auto left = spool_.adopt(notes);
    for (const std::string& note : notes)
      print_line(note);
    // In front of the inputs that have arrived: after a Drain the agent would end without delivering this
    // result.
    if (left)
      inputs_.emplace_front(Adopted{std::move(left->finished), std::move(left->bytes), spool_.has_more()});
  }
  void perform(SpoolResult& what) {
    if (const auto kept = spool_.keep(what.finished, what.bytes); !kept) {
      warn_of_spool(kept.error());
      if (!what.bytes.empty()) unspooled_results_.push_back(what.finished.ref);
    }
    inputs_.emplace_back(Spooled{what.finished.ref});
  }
  void warn_of_spool(const Error& problem) {
    if (!std::exchange(warned_of_spool_, true))
      print_line(problem.message +
                 "; until the controller acknowledges them, results are only in memory and in the workspace");
  }
  void perform(DropSpooled& what) {
    spool_.drop(what.ref, what.of);
    std::erase(unspooled_results_, what.ref);
    if (!what.of.empty() && spool_.has_more()) adopt_next();
  }
  void perform(PauseOutput& what) { children_.pause_output(what.pause); }
  void perform(RemoveFile& what) { remove_if_unchanged(what.path, what.stamp); }
  void perform(Warn& what) { print_line(what.text); }
  void perform(Exit& what) { exit_ = what; }

  EventLoop loop_;
  Access access_;
  SignalFd signals_;
  ClientSocket socket_;
  std::vector<std::string> job_end_command_, node_command_, sampled_;
  Spool spool_;
  bool warned_of_spool_ = false, warned_of_munge_ = false, munge_has_worked_ = false;
  std::optional<Instant> retry_hello_at_;
  bool continued_ = false;                     // a SIGCONT has come since the last wait began
  Instant planned_{};                          // when the present wait ends at the latest
  std::vector<AttemptRef> unspooled_results_;  // attempts whose results are only in the workspace
  std::deque<Input> inputs_;
  Children children_{loop_, [this](Input input) { inputs_.push_back(std::move(input)); }};
  ArtifactCopier copier_{[this](Input input) { inputs_.push_back(std::move(input)); }};
  Staging staging_{loop_, [this](Input input) { inputs_.push_back(std::move(input)); }};
  HttpClient http_client_{loop_, [this](Input input) { inputs_.push_back(std::move(input)); }};
  GpuMetricsFiles gpu_metrics_{loop_, [this](Input input) { inputs_.push_back(std::move(input)); }};
  Agent agent_;
  SlurmQuery job_end_query_{loop_}, node_query_{loop_};
  GpuSampler sampler_{loop_};
  std::optional<Exit> exit_;
};

// Never destroyed, because its thread may be stuck when the process ends.
QueuedWriter& standard_error() {
  static QueuedWriter* const writer = new QueuedWriter(STDERR_FILENO);
  return *writer;
}

}  // namespace

void print_line(const std::string& text) {
  standard_error().write("sweep-agent: " + text + "\n");
}

void flush_lines() {
  static_cast<void>(standard_error().flush(Millis(2'000)));
}

Setup make_setup(const Access& access, const std::vector<std::string>& command) {
  Setup setup;
  setup.environment = own_environment();
  setup.gpus = find_gpus(setup.environment, device_names());
  setup.hello = identify(setup.environment, host_name(), ::getpid(), setup.gpus, command);
  setup.endpoint = access.endpoint;
  setup.sampled = nvidia_gpus(setup.gpus);
  setup.origin.kernel = kernel_name();
  if (look_up(setup.environment, SWEEP_ENV_LOADER)) {
    setup.origin.runtime = "pyxis, the agent in it";
    setup.origin.image = printable(look_up(setup.environment, "PYXIS_CONTAINER_IMAGE").value_or(""));
  }
  setup.job_end = job_end_from(setup.environment);
  setup.asks_job_end = !job_end_command(setup.hello).empty();
  std::error_code ignored;
  setup.directory = std::filesystem::current_path(ignored).string();
  setup.program = own_executable();
  return setup;
}

int run_agent(const Access& access, Setup setup) {
  SignalFd signals({SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGCONT});
  zmq::context_t context;
  auto socket = ClientSocket::connect(context, access.endpoint, access.server_key, access.client_secret,
                                      setup.hello.agent);
  if (!socket) {
    print_line(socket.error().message);
    return 2;
  }
  return Driver(std::move(setup), access, std::move(*socket), std::move(signals)).run();
}

}  // namespace sweep::agent
