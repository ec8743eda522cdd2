// The controller of a simulated sweep: the real core with a simulated driver that may crash at every step.
//
// Rules: it does the same as controller/io/driver.cpp. A round handles the messages that have arrived,
// decides, commits, and only then sends. It may crash before the commit (the decisions are lost), after it
// (nothing was sent), and while sending. The journal is a vector in the checker. After every command it
// checks that the invariants hold, that Tick has nothing more to do, and that the next deadline is in the
// future.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/core/collection.hpp"
#include "controller/core/decide.hpp"
#include "tests/sim/sim_agent.hpp"
#include "tests/sim/simulation.hpp"

namespace sweep::sim {

/// The input of a resume.
struct ResumeInput {
  core::Settings settings;
  std::vector<core::PointSpec> specs;  // withdrawn points come last
  core::Resume command;
};

/// The output directory, as far as it has files of attempts. It outlives controllers.
class SimFiles : public core::FileStore {
 public:
  explicit SimFiles(Simulation& sim) : sim_(sim) {}
  Expected<Place> begin(const wire::AttemptRef& ref, const std::vector<Artifact>& files) override;
  Expected<void> write(const wire::AttemptRef& ref, const Artifact& file, std::int64_t offset,
                       std::string_view bytes, bool last) override;
  Expected<void> install(const wire::AttemptRef& ref) override;
  void discard(const wire::AttemptRef& ref) override { incoming_.erase(key(ref)); }

 private:
  Simulation& sim_;
  std::map<Key, std::map<std::string, std::string>> incoming_;
  std::map<Key, std::map<std::string, std::int64_t>> lists_;  // that incoming_ was begun with
};

class SimController {
 public:
  SimController(Simulation& sim, std::function<void()> on_crash, std::function<void()> on_end)
      : sim_(sim), on_crash_(std::move(on_crash)), on_end_(std::move(on_end)), files_(sim) {}

  /// Starts a new sweep.
  void begin(const core::Settings& settings, const std::vector<core::PointSpec>& specs);
  /// Replaces a controller that crashed. Returns false if it could not commit.
  bool recover(Millis offset);
  /// Starts a new session. Returns false if no points are left to run. Must not be called while the disk is
  /// full.
  bool resume(const ResumeInput& input, Millis offset);

  void stop(const std::string& reason, Millis patience);
  /// srun has ended, and with it all agents.
  void srun_ended();
  void crash();
  bool disk_is_full() const { return sim_.now < full_until_; }
  /// Its rounds stand still for this time.
  void suspend(Millis time);
  void fill_disk(Millis time) { full_until_ = std::max(full_until_, sim_.now + time); }

  bool alive() const { return alive_; }
  const core::State& state() const { return state_; }
  /// A connection of this agent is established. It replaces an earlier one of the same name.
  void connected(SimAgent& agent) { route_[agent.name()] = &agent; }
  void arrive(SimAgent& agent, const Frames& frames);
  /// Checks that replaying the journal gives the present state.
  void check_replay(bool through_json) const;

 private:
  struct Mail {
    SimAgent* from;
    Frames frames;
  };

  Instant clock() const { return sim_.now + offset_; }
  core::State replayed(const std::vector<core::Event>& more, bool through_json) const;
  void listen(Millis offset);
  void wake(Millis after);
  void arm();
  void round();
  void note_pause();
  void end();

  void take(const Mail& mail);
  void take_hello(SimAgent& from, const wire::Hello& hello);
  void take_from(const std::string& agent, const wire::Message& message, std::string& bulk);
  void take_finished(const std::string& agent, const wire::Finished& finished, std::string& bulk);
  core::Decision advance(const core::Command& command);
  void check_step();
  void queue_replies(core::Decision decision);

  void settle();
  bool commit();
  bool send_outbox();
  bool maybe_crash();
  bool over();
  bool everybody_left() const;
  void send(const core::Effect& effect);
  void send_to(const std::string& agent, const wire::Message& message);
  void send_lease(const core::SendLease& what);
  void reject(SimAgent& to, const std::string& reason);

  Simulation& sim_;
  std::function<void()> on_crash_, on_end_;
  core::Settings settings_;
  std::vector<core::PointSpec> specs_;
  core::State state_;
  bool alive_ = false, woken_ = false, srun_ended_ = false;
  std::uint64_t incarnation_ = 0, commands_ = 0;
  Millis offset_{0};  // of its clock from sim_.now
  Instant full_until_{}, suspended_until_{};
  std::optional<Instant> planned_;  // while it is suspended: when it would have woken up

  SimFiles files_;
  std::optional<core::Collection> collection_;
  std::deque<Mail> inbox_;
  std::map<std::string, SimAgent*> route_;
  std::map<std::string, const SimAgent*> known_;  // by name: the agent whose Hello was accepted last
  std::set<std::string> departed_;
  Batch batch_;
  std::vector<core::Effect> outbox_;
  std::string* raw_ = nullptr;
  std::optional<Instant> commit_by_, retry_at_, linger_until_, armed_;
};

}  // namespace sweep::sim
