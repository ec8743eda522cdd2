// A sweep in a folder that a test has interrupted where it wants, without sockets and processes.
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

  /// A new sweep in out/, with its controller: this process.
  OpenedSweep begin(profile::Profile profile = {}) {
    const auto claimed = claim_output_dir(out_, "x", kBegun);
    EXPECT_TRUE(claimed) << claimed.error().message;
    auto entry = begin_sweep(new_sweep(entries(), std::move(profile)), out_);
    EXPECT_TRUE(entry) << entry.error().message;
    now_ = kBegun;
    tell_control(*entry);
    return std::move(*entry);
  }

  /// As the server does when it listens.
  void tell_control(const OpenedSweep& entry) const {
    const auto written = write_control_file(
        out_, {"login1", 4711, "tcp://x:1", entry.server_keys.public_key, entry.client_keys.secret_key,
               entry.server_keys.secret_key, profile::profile_to_json(entry.sweep.plan.profile)});
    EXPECT_TRUE(written) << written.error().message;
  }

  void tell(OpenedSweep& entry, const core::Command& command, journal::Batch batch = {}) {
    now_ += Millis(1'000);
    for (const auto& [id, agent] : entry.sweep.state.agents)
      core::mark_seen(entry.sweep.state, id, now_);
    auto made = core::advance(entry.sweep.state, command, now_).events;
    batch.events.insert(batch.events.end(), made.begin(), made.end());
    const auto done = entry.journal.commit(batch);
    EXPECT_TRUE(done) << done.error().message;
  }

  /// An agent that takes one point after another in the matrix's order.
  void arrive(OpenedSweep& entry) {
    core::AgentInfo agent;
    agent.id = "12.0.0";
    agent.node = "n1";
    for (int i = 0; i < 8; ++i)
      agent.gpus.push_back(std::to_string(i));
    tell(entry, core::Hello{agent});
    tell(entry, core::Ready{agent.id});
  }
  core::AttemptRef start_next(OpenedSweep& entry) {
    const auto& held = entry.sweep.state.agents.at("12.0.0").held;
    EXPECT_FALSE(held.empty());
    if (held.empty()) return {};
    const auto [index, number] = *held.begin();
    const core::AttemptRef ref{entry.sweep.plan.points[static_cast<std::size_t>(index)].id, number};
    tell(entry, core::AttemptStarted{"12.0.0", ref, 77});
    return ref;
  }
  void end_next(OpenedSweep& entry, OutcomeKind kind) {
    const core::AttemptRef ref = start_next(entry);
    Outcome outcome;
    outcome.kind = kind;
    journal::Batch batch;
    if (kind == OutcomeKind::Ok) batch.results.push_back({ref, "n1", true, "{}"});
    tell(entry, core::AttemptFinished{"12.0.0", ref, outcome, Millis(900)}, std::move(batch));
  }

  /// Of four points the first is done, the second has failed, the third runs, and the controller is gone.
  /// Returns its server's public key.
  std::string interrupted(profile::Profile profile = {}) {
    OpenedSweep entry = begin(std::move(profile));
    arrive(entry);
    end_next(entry, OutcomeKind::Ok);
    end_next(entry, OutcomeKind::BenchmarkFailed);
    start_next(entry);
    return entry.server_keys.public_key;
  }

  static std::vector<PointState> states(const Sweep& sweep) {
    std::vector<PointState> out;
    for (const core::PointStatus& point : sweep.state.points)
      out.push_back(point.state);
    return out;
  }

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
    return resume_sweep(out_, std::move(wanted), now_ + Millis(60'000), notes_);
  }
  /// Why it is refused, by the check beforehand and by the resume alike.
  std::string refusal(const ResumeWishes& wanted) {
    const auto check = check_resume(out_, wanted, now_);
    const auto entry = resume(wanted);
    EXPECT_FALSE(entry) << "the resume was not refused";
    EXPECT_FALSE(check) << "the check beforehand did not see it";
    if (!check && !entry) {
      EXPECT_EQ(check.error().message, entry.error().message);
    }
    return entry ? "" : entry.error().message;
  }

  std::string out_;
  Instant now_ = kBegun;
  std::vector<std::string> notes_;
};

}  // namespace sweep
