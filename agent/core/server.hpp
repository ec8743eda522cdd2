// The server of a recipe: one that outlives the attempts that use it. A state machine without I/O.
//
//   Preparing -> Spawning -> Starting -> Loading -> Ready <-> Resetting -> Checking
//                               any of them -> Stopping -> Gone
//
// Starting: it has shown no sign of life yet. Loading: it has, and is not ready. Ready: an attempt may use
// it. Resetting, Checking: it was used before; its caches are emptied and its health asked for.
//
// Rules: at most one attempt has it. It goes on without one: warm, or still loading. What makes it unfit is
// decided once (failure()), and then it is stopped. Whoever has it is told through failure() and gone(), and
// the Agent looks; it tells nobody. Being asked whether it is ready has no event: it is asked again, with
// time between, until its deadline.
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

/// The word in AttemptRef::point of a server's processes; no point's id is this.
inline constexpr const char* kServerRef = "server";

class Server {
 public:
  struct Plan {
    wire::ServerSpec spec;
    std::int64_t ready_ms = 0;      // until it must be ready; 0: no limit
    Variables variables;            // the lease's that it may see
    std::vector<std::string> gpus;  // its share of the agent's; empty where it has all that the agent has
    std::string directory;          // to run in; empty: where the agent stands
    Millis kill_grace{0};
    // The container that it runs in, where there is one:
    ContainerSpec container = {};
    std::optional<container::StageRequest> image = {};
    std::optional<container::Staged> staged = {};
    std::string workspace = {};  // absolute
  };

  /// `setup` must outlive it.
  Server(const Setup& setup, int number, Plan plan);

  const AttemptRef& ref() const { return ref_; }
  const std::string& key() const { return plan_.spec.key; }
  const std::vector<std::string>& gpus() const { return plan_.gpus; }
  bool overlaps(const std::vector<std::string>& gpus) const;
  const std::optional<container::StageRequest>& image() const { return plan_.image; }
  /// 0 until it has one.
  int port() const { return port_; }

  void begin(std::vector<int> ports_in_use, Actions& out);
  bool preparing() const { return stage_ == Stage::Preparing; }

  /// Gives it to an attempt. One that has been used before is reset and asked about its health first.
  void take(const AttemptRef& attempt, Instant now, Actions& out);
  const std::optional<AttemptRef>& taken_by() const { return attempt_; }
  /// The attempt is over.
  void let_go() { attempt_.reset(); }

  /// server-start, ready, reset or stop.
  std::string phase() const;
  /// How far it says its loading is; 0 of 0 where it does not say.
  Bar loaded() const { return coming() && bar_ ? *bar_ : Bar{}; }
  bool ready() const { return stage_ == Stage::Ready; }
  /// Whether the line by which it is ready has come again since this was last asked.
  bool take_restarted() { return std::exchange(restarted_, false); }
  /// Whether it can be given to an attempt, now or later.
  bool usable() const { return stage_ != Stage::Stopping && stage_ != Stage::Gone; }
  /// Why it cannot be used, once that is decided; then it is being stopped, or gone.
  const std::optional<Outcome>& failure() const { return failure_; }
  /// Whether that says nothing about the attempt: another one may do. It was unwell, or ended, between two.
  bool failure_is_old() const { return failure_is_old_; }
  /// No process of it is left, or what is left cannot be ended.
  bool gone() const { return stage_ == Stage::Gone; }
  /// Its last lines.
  std::vector<std::string> says() const { return {tail_.begin(), tail_.end()}; }

  void on(const Prepared& input, Instant now, Actions& out);
  void on(const NotPrepared& input, Instant now, Actions& out);
  void on(const ProcessStarted& input, Instant now, Actions& out);
  void on(const StartFailed& input, Instant now, Actions& out);
  void on(const Output& input, Instant now, Actions& out);
  void on(const SetupFailed& input, Instant now, Actions& out);
  void on(const LeaderExited& input, Instant now, Actions& out);
  void on(const GroupGone& input, Instant now, Actions& out);
  void on(const Answered& input, Instant now, Actions& out);
  void on(const ResultRead&, Instant, Actions&) {}
  void on(const Spooled&, Instant, Actions&) {}

  /// SIGTERM, and SIGKILL after its grace time or `longest_grace`.
  void stop(std::optional<Millis> longest_grace, Instant now, Actions& out);
  void kill(Instant now, Actions& out);
  void on_time(Instant now, Actions& out);
  std::optional<Instant> next_deadline() const;

 private:
  enum class Stage { Preparing, Spawning, Starting, Loading, Ready, Resetting, Checking, Stopping, Gone };
  struct Limit {
    Instant at;
    std::string reason;
  };

  bool coming() const { return stage_ == Stage::Starting || stage_ == Stage::Loading; }
  bool renewing() const { return stage_ == Stage::Resetting || stage_ == Stage::Checking; }
  std::optional<Limit> limit() const;
  void sign_of_life();
  void look(const std::string& line, Instant now);
  void ask(const std::string& path, bool post, Instant now, Actions& out);
  void check(Instant now, Actions& out);
  void becomes_ready() { stage_ = Stage::Ready; }
  void never_starts(OutcomeKind kind, const std::string& reason);
  void fails(OutcomeKind kind, std::string reason, Instant now, Actions& out);
  std::string last_words() const;

  const Setup& setup_;
  AttemptRef ref_;
  Plan plan_;
  Stage stage_ = Stage::Preparing;
  int port_ = 0;
  std::optional<AttemptRef> attempt_;
  bool used_ = false;
  bool alive_ = false;  // has processes

  LinePattern ready_line_, progress_line_;
  LineSplitter out_, err_;
  OutputScanner out_bars_, err_bars_;
  std::optional<Bar> bar_;
  std::deque<std::string> tail_;
  Backlog backlog_;  // output from when no attempt had it

  std::optional<Instant> started_at_, progress_at_;
  int asked_ = 0;  // serial number of the last question
  bool waits_for_answer_ = false;
  std::optional<Instant> ask_at_, answer_until_;

  std::optional<Outcome> failure_;
  bool failure_is_old_ = false;
  bool restarted_ = false;
  bool killing_ = false;
  std::optional<Instant> kill_at_;
};

}  // namespace sweep::agent
