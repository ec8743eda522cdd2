// The server of a recipe, which may outlive the attempts that use it: a state machine without I/O.
//
//   Preparing -> Spawning -> Starting -> Loading -> Ready <-> Resetting -> Checking
//                               any of them -> Stopping -> Gone
//
//   Starting             it has not printed or answered anything yet
//   Loading              it has, but is not ready
//   Ready                an attempt may use it
//   Resetting, Checking  it was used before: its caches are being emptied, its health is being checked
//
// Rules: at most one attempt has the server. Without one it keeps running, warm or still loading. What makes
// it unusable is decided once (failure()), and then it is stopped. ServerPool polls failure() and gone().
// Readiness has no event, so the server is asked repeatedly, until its time limit.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/actions.hpp"
#include "agent/core/backlog.hpp"
#include "agent/core/environment.hpp"
#include "agent/core/line_splitter.hpp"
#include "agent/core/output_scanner.hpp"
#include "agent/core/setup.hpp"
#include "util/line_pattern.hpp"

namespace sweep::agent {

/// AttemptRef::point of a server's processes. No point has this id.
inline constexpr const char* kServerRef = "server";

class Server {
 public:
  struct Plan {
    wire::ServerSpec spec;
    std::int64_t ready_ms = 0;      // time limit for becoming ready; 0: none
    Variables variables;            // those of the lease's variables that it may see
    std::vector<std::string> gpus;  // its share of the agent's GPUs; empty if it has all of them
    std::string directory;          // where to run it; empty: in the agent's directory
    Millis kill_grace{0};
    // The container that it runs in, if any:
    ContainerSpec container = {};
    std::optional<container::StageRequest> image = {};
    std::optional<container::Staged> staged = {};
    std::string workspace = {};  // absolute
  };

  /// `setup` must outlive the server. `number` identifies it.
  Server(const Setup& setup, int number, Plan plan);

  const AttemptRef& ref() const { return ref_; }
  const std::string& key() const { return plan_.spec.key; }
  const std::vector<std::string>& gpus() const { return plan_.gpus; }
  bool overlaps(const std::vector<std::string>& gpus) const;
  const std::optional<container::StageRequest>& image() const { return plan_.image; }
  /// Returns 0 until the server has a port.
  int port() const { return port_; }

  void begin(std::vector<int> ports_in_use, Actions& out);
  bool preparing() const { return stage_ == Stage::Preparing; }

  /// Gives the server to an attempt. If it was used before, it is reset and its health is checked first.
  void assign(const AttemptRef& attempt, Instant now, Actions& out);
  const std::optional<AttemptRef>& attempt() const { return attempt_; }
  /// The attempt no longer uses it.
  void release() { attempt_.reset(); }

  /// Returns server-start, ready, reset or stop.
  std::string phase() const;
  /// Returns the progress of loading as the server prints it; 0 of 0 if it prints none.
  Bar loading_progress() const { return starting_up() && bar_ ? *bar_ : Bar{}; }
  bool ready() const { return stage_ == Stage::Ready; }
  /// Returns true if the line that reports readiness was printed again since the last call.
  bool take_restarted() { return std::exchange(restarted_, false); }
  /// Returns true if an attempt can use it, now or later.
  bool usable() const { return stage_ != Stage::Stopping && stage_ != Stage::Gone; }
  /// Returns why it cannot be used, once that is decided. It is being stopped then, or gone.
  const std::optional<Outcome>& failure() const { return failure_; }
  /// Returns true if it failed or ended while it was made ready for reuse. That is not the attempt's
  /// fault, so it can get another server.
  bool failed_on_reuse() const { return failed_on_reuse_; }
  /// Returns true if none of its processes is left, or the remaining ones cannot be killed.
  bool gone() const { return stage_ == Stage::Gone; }
  /// Returns the last lines of its output.
  std::vector<std::string> last_lines() const { return {tail_.begin(), tail_.end()}; }

  void on(const Prepared& input, Instant now, Actions& out);
  void on(const NotPrepared& input, Instant now, Actions& out);
  void on(const ProcessStarted& input, Instant now, Actions& out);
  void on(const StartFailed& input, Instant now, Actions& out);
  void on(const Output& input, Instant now, Actions& out);
  void on(const SetupFailed& input, Instant now, Actions& out);
  void on(const LeaderExited& input, Instant now, Actions& out);
  void on(const GroupGone& input, Instant now, Actions& out);
  void on(const ServerAnswered& input, Instant now, Actions& out);
  void on(const ResultRead&, Instant, Actions&) {}
  void on(const GpuMetricsLeft&, Instant, Actions&) {}
  void on(const FilesCollected&, Instant, Actions&) {}
  void on(const Spooled&, Instant, Actions&) {}

  /// Stops it: SIGTERM, then SIGKILL after its grace time or `longest_grace`, whichever is shorter.
  void stop(std::optional<Millis> longest_grace, Instant now, Actions& out);
  void kill(Instant now, Actions& out);
  void on_deadline(Instant now, Actions& out);
  std::optional<Instant> next_deadline() const;

 private:
  enum class Stage { Preparing, Spawning, Starting, Loading, Ready, Resetting, Checking, Stopping, Gone };
  struct Limit {
    Instant at;
    std::string reason;
  };

  bool starting_up() const { return stage_ == Stage::Starting || stage_ == Stage::Loading; }
  bool being_reused() const { return stage_ == Stage::Resetting || stage_ == Stage::Checking; }
  std::optional<Limit> limit() const;
  void mark_loading();
  void on_line(const std::string& line, Instant now);
  void ask(const std::string& path, bool post, Instant now, Actions& out);
  void check(Instant now, Actions& out);
  void set_ready() { stage_ = Stage::Ready; }
  void fail_to_start(OutcomeKind kind, const std::string& reason);
  void fail_with(OutcomeKind kind, std::string reason, Instant now, Actions& out);
  std::string last_words() const;

  const Setup& setup_;
  AttemptRef ref_;
  Plan plan_;
  Stage stage_ = Stage::Preparing;
  int port_ = 0;
  std::optional<AttemptRef> attempt_;
  bool used_ = false;
  bool alive_ = false;  // it has processes

  LinePattern ready_line_, progress_line_;
  LineSplitter out_, err_;
  OutputScanner out_bars_, err_bars_;
  std::optional<Bar> bar_;
  std::deque<std::string> tail_;
  Backlog backlog_;  // output from the time when no attempt had it

  std::optional<Instant> started_at_, progress_at_;
  int asked_ = 0;  // serial number of the last request
  bool waits_for_answer_ = false;
  std::optional<Instant> ask_at_, answer_until_;

  std::optional<Outcome> failure_;
  bool failed_on_reuse_ = false;
  bool restarted_ = false;
  bool killing_ = false;
  std::optional<Instant> kill_at_;
};

}  // namespace sweep::agent
