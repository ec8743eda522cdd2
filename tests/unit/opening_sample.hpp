// A sweep in a folder, without sockets and processes, which a test can interrupt at any point.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "controller/core/decide.hpp"
#include "controller/io/control_file.hpp"
#include "controller/io/opening.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/profile/record.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/plan_sample.hpp"
#include "util/os/clock.hpp"

namespace sweep {

using core::PointState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class OpeningTest : public InFolder {
 protected:
  static constexpr Instant kBegun{Millis(1'700'000'000'000)};

  static std::vector<ordered_json> entries() {
    return {sample_entry(8, 1), sample_entry(8, 2), sample_entry(8, 4), sample_entry(8, 8)};
  }

  void SetUp() override {
    InFolder::SetUp();
    out_ = path("out");
  }

  static Sweep new_sweep(const std::vector<ordered_json>& entries, profile::Profile profile = {}) {
    Sweep sweep;
    sweep.plan = sample_plan(entries, std::move(profile));
    sweep.state = core::make_state(core_settings(sweep.plan), core_points(sweep.plan));
    sweep.facts.sweep = "5eed";
    sweep.facts.version = "0.0.1";
    sweep.facts.opened = kBegun;
    sweep.facts.configs = {"/c/first.yaml"};
    sweep.facts.select = "--framework sglang";
    sweep.facts.job = "12.0";
    return sweep;
  }

  /// Begins a new sweep in out/, whose controller is this process.
  OpenedSweep begin(profile::Profile profile = {}) {
    const auto claimed = claim_output_dir(out_, "x", kBegun);
    EXPECT_TRUE(claimed) << claimed.error().message;
    auto opened = begin_sweep(new_sweep(entries(), std::move(profile)), out_);
    EXPECT_TRUE(opened) << opened.error().message;
    now_ = kBegun;
    put_control_file(*opened);
    return std::move(*opened);
  }

  /// Writes the control file as the driver does when it listens.
  void put_control_file(const OpenedSweep& opened) const {
    const auto written = write_control_file(
        out_, {"login1", 4711, "tcp://x:1", opened.server_keys.public_key, opened.client_keys.secret_key,
               opened.server_keys.secret_key, profile::profile_to_json(opened.sweep.plan.profile)});
    EXPECT_TRUE(written) << written.error().message;
  }

  /// Decides `command` one second later and commits its events, with `batch`.
  void decide(OpenedSweep& opened, const core::Command& command, journal::Batch batch = {}) {
    now_ += Millis(1'000);
    for (const auto& [id, agent] : opened.sweep.state.agents)
      core::mark_seen(opened.sweep.state, id, now_);
    auto made = core::advance(opened.sweep.state, command, now_).events;
    batch.events.insert(batch.events.end(), made.begin(), made.end());
    const auto done = opened.journal.commit(batch);
    EXPECT_TRUE(done) << done.error().message;
  }

  /// Lets an agent join; it is leased one point after another in the matrix's order.
  void join_agent(OpenedSweep& opened) {
    core::AgentInfo agent;
    agent.id = "12.0.0";
    agent.node = "n1";
    for (int i = 0; i < 8; ++i)
      agent.gpus.push_back(std::to_string(i));
    decide(opened, core::Hello{agent});
    decide(opened, core::Ready{agent.id});
  }
  /// Starts the attempt that the agent holds.
  core::AttemptRef start_next(OpenedSweep& opened) {
    const auto& held = opened.sweep.state.agents.at("12.0.0").held;
    EXPECT_FALSE(held.empty());
    if (held.empty()) return {};
    const auto [index, number] = *held.begin();
    const core::AttemptRef ref{opened.sweep.plan.points[static_cast<std::size_t>(index)].id, number};
    decide(opened, core::AttemptStarted{"12.0.0", ref, 77});
    return ref;
  }
  /// Starts and ends the attempt that the agent holds.
  void end_next(OpenedSweep& opened, OutcomeKind kind) {
    const core::AttemptRef ref = start_next(opened);
    Outcome outcome;
    outcome.kind = kind;
    journal::Batch batch;
    if (kind == OutcomeKind::Ok) batch.results.push_back({ref, "n1", true, "{}"});
    decide(opened, core::AttemptFinished{"12.0.0", ref, outcome, Millis(900)}, std::move(batch));
  }

  /// Leaves a sweep without controller, with four points: done, failed, running, pending. Returns its
  /// server's public key.
  std::string interrupted(profile::Profile profile = {}) {
    OpenedSweep opened = begin(std::move(profile));
    join_agent(opened);
    end_next(opened, OutcomeKind::Ok);
    end_next(opened, OutcomeKind::BenchmarkFailed);
    start_next(opened);
    return opened.server_keys.public_key;
  }

  static std::vector<PointState> states(const Sweep& sweep) {
    std::vector<PointState> out;
    for (const core::PointStatus& point : sweep.state.points)
      out.push_back(point.state);
    return out;
  }

  /// Wishes of a resume with the journal's matrix.
  static ResumeWishes wishes() {
    ResumeWishes out;
    out.facts.version = "9.9.9";
    out.facts.job = "13.0";
    return out;
  }
  static ResumeWishes with_matrix(const std::vector<ordered_json>& entries) {
    ResumeWishes out = wishes();
    out.plan = sample_plan(entries);
    out.facts.configs = {"/c/second.yaml"};
    return out;
  }

  Expected<OpenedSweep> resume(ResumeWishes wanted) {
    notes_.clear();
    SWEEP_ASSIGN(auto sweep, ResumableSweep::open(out_));
    return std::move(sweep).resume(std::move(wanted), now_ + Millis(60'000), notes_);
  }
  Expected<void> check(const ResumeWishes& wanted) const {
    SWEEP_ASSIGN(const auto sweep, ResumableSweep::open_to_check(out_));
    return sweep.check(wanted, now_);
  }
  /// Returns why the resume is refused. The check must give the same reason.
  std::string refusal(const ResumeWishes& wanted) {
    const auto checked = check(wanted);
    const auto opened = resume(wanted);
    EXPECT_FALSE(opened) << "the resume was not refused";
    EXPECT_FALSE(checked) << "the check did not find the reason";
    if (!checked && !opened) {
      EXPECT_EQ(checked.error().message, opened.error().message);
    }
    return opened ? "" : opened.error().message;
  }

  std::string out_;
  Instant now_ = kBegun;
  std::vector<std::string> notes_;
};

}  // namespace sweep
