#include "benchmarks/simulated_agents.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <zmq_addon.hpp>

#include "proto/net/curve.hpp"
#include "util/text.hpp"

namespace sweep::bench {

namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Time limit of a phase.
constexpr seconds kPhaseTimeout{600};
constexpr milliseconds kSignalCheckInterval{200};

std::string name_of(int index) {
  char name[24];
  std::snprintf(name, sizeof name, "bench.%06d", index);
  return name;
}

int index_of(std::string_view name) {
  return std::atoi(std::string(name.substr(name.find('.') + 1)).c_str());
}

wire::Hello hello(int index, int agents) {
  wire::Hello out;
  out.agent = name_of(index);
  out.node = "n" + out.agent.substr(6);
  out.job = "1";
  out.step = "0";
  out.task = index;
  out.tasks = agents;
  out.pid = index + 1;
  out.version = "bench";
  out.command = {"bench"};
  return out;
}

// The result of bench-noop: it passes every check and is marked as a stand-in.
std::string result(const std::string& conc) {
  static const std::string kRest =
      ", \"duration\": 1.0, \"completed\": 1, "
      "\"request_throughput\": 1.0, "
      "\"output_throughput\": 1.0, \"total_token_throughput\": 2.0, "
      "\"mean_ttft_ms\": 1.0, \"median_ttft_ms\": 1.0, \"std_ttft_ms\": 0.0, \"p99_ttft_ms\": 1.0, "
      "\"mean_tpot_ms\": 1.0, \"median_tpot_ms\": 1.0, \"std_tpot_ms\": 0.0, \"p99_tpot_ms\": 1.0, "
      "\"mean_itl_ms\": 1.0, \"median_itl_ms\": 1.0, \"std_itl_ms\": 0.0, \"p99_itl_ms\": 1.0, "
      "\"mean_e2el_ms\": 1.0, \"median_e2el_ms\": 1.0, \"std_e2el_ms\": 0.0, \"p99_e2el_ms\": 1.0, "
      "\"stand_in\": \"noop\"}\n";
  return R"({"backend": "noop", "model_id": "noop", "max_concurrency": )" + conc + kRest;
}

std::string concurrency_of(const wire::Lease& lease) {
  for (const auto& [name, value] : lease.environment) {
    if (name == "CONC") return value;
  }
  return "1";
}

double ms_between(Clock::time_point from, Clock::time_point to) {
  return duration<double, std::milli>(to - from).count();
}

}  // namespace

SimulatedAgents::SimulatedAgents(int agents, SignalFd& signals)
    : signals_(signals),
      socket_(context_, zmq::socket_type::router),
      agents_(static_cast<std::size_t>(agents)) {
  for (int i = 0; i < agents; ++i)
    agents_[static_cast<std::size_t>(i)].name = name_of(i);
}

// --- phases

// The options are those of the real agents' sockets (proto/net/sockets.cpp).
void SimulatedAgents::open_connections(const ConnectInfo& info) {
  socket_.set(zmq::sockopt::linger, 2000);
  socket_.set(zmq::sockopt::ipv6, true);
  socket_.set(zmq::sockopt::heartbeat_ivl, 10'000);
  socket_.set(zmq::sockopt::heartbeat_timeout, 30'000);
  socket_.set(zmq::sockopt::reconnect_ivl, 100);
  socket_.set(zmq::sockopt::reconnect_ivl_max, 5000);
  socket_.set(zmq::sockopt::sndhwm, 1000);
  socket_.set(zmq::sockopt::rcvhwm, 1000);
  socket_.set(zmq::sockopt::router_mandatory, true);
  socket_.set(zmq::sockopt::curve_serverkey, info.server_key);
  socket_.set(zmq::sockopt::curve_publickey, public_key_of(info.client_secret).value());
  socket_.set(zmq::sockopt::curve_secretkey, info.client_secret);
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    // routing_id is the name that the next connection has at the controller; connect_routing_id is its name
    // here.
    socket_.set(zmq::sockopt::routing_id, agents_[i].name);
    socket_.set(zmq::sockopt::connect_routing_id, agents_[i].name);
    socket_.connect(info.endpoint);
    send(agents_[i], hello(static_cast<int>(i), static_cast<int>(agents_.size())));
  }
}

Expected<double> SimulatedAgents::connect(const ConnectInfo& info) {
  const auto start = Clock::now();
  open_connections(info);
  const auto all = [this] { return welcomed_ == static_cast<int>(agents_.size()); };
  SWEEP_TRY(run_until(all, start + kPhaseTimeout, true));
  for (std::size_t i = 0; i < agents_.size(); ++i)
    actions_.push({agents_[i].last_sent + heartbeat_, static_cast<int>(i), true});
  return duration<double>(Clock::now() - start).count();
}

Expected<void> SimulatedAgents::take_work() {
  for (Agent& agent : agents_)
    send(agent, wire::Ready{});
  return run_until([this] { return leased_ == static_cast<int>(agents_.size()); },
                   Clock::now() + kPhaseTimeout, true);
}

Expected<void> SimulatedAgents::idle(Clock::duration time) {
  return run_until([] { return false; }, Clock::now() + time, false);
}

SimulatedAgents::PhaseTotals SimulatedAgents::begin_phase() {
  lease_ms_.clear();
  for (Agent& agent : agents_)
    agent.waits_for_lease = false;  // waits that began before the phase do not count
  in_ = out_ = 0;
  began_ = last_settled_ = Clock::now();
  PhaseTotals totals;
  totals.points = settled_;
  return totals;
}

void SimulatedAgents::end_phase(PhaseTotals& totals) {
  mode_ = Mode::Hold;
  totals.seconds = duration<double>(last_settled_ - began_).count();
  totals.points = settled_ - totals.points;
  totals.in = in_;
  totals.out = out_;
  totals.lease_ms = std::move(lease_ms_);
}

Expected<SimulatedAgents::PhaseTotals> SimulatedAgents::run_saturated(std::uint64_t points) {
  PhaseTotals totals = begin_phase();
  const std::uint64_t target = settled_ + points;
  mode_ = Mode::Saturated;
  finish_all();
  SWEEP_TRY(run_until([&] { return settled_ >= target; }, Clock::now() + kPhaseTimeout, true));
  end_phase(totals);
  // Messages that are still under way belong to no phase.
  const auto all_holding = [this] { return holding_ == static_cast<int>(agents_.size()); };
  SWEEP_TRY(run_until(all_holding, Clock::now() + kPhaseTimeout, true));
  return totals;
}

Expected<SimulatedAgents::PhaseTotals> SimulatedAgents::run_paced(std::uint64_t points,
                                                                  Clock::duration mean) {
  PhaseTotals totals = begin_phase();
  const std::uint64_t target = settled_ + points;
  mode_ = Mode::Paced;
  mean_ = mean;
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    if (agents_[i].has_lease) start_running(static_cast<int>(i), 0);
  }
  SWEEP_TRY(run_until([&] { return settled_ >= target; }, Clock::now() + kPhaseTimeout, true));
  end_phase(totals);
  return totals;
}

Expected<bool> SimulatedAgents::drain() {
  mode_ = Mode::Saturated;
  finish_all();
  const auto all = [this] { return drained_ == static_cast<int>(agents_.size()); };
  SWEEP_TRY(run_until(all, Clock::now() + kPhaseTimeout, true));
  return all_complete_;
}

// --- events

// Runs the event loop until `done` returns true or `limit` is reached, which is an error if `must_be_done`.
Expected<void> SimulatedAgents::run_until(const std::function<bool()>& done, Clock::time_point limit,
                                          bool must_be_done) {
  auto next_signal_check = Clock::now() + kSignalCheckInterval;
  while (!done()) {
    const auto at = Clock::now();
    if (at >= limit) {
      if (!must_be_done) return {};
      return fail("the controller did not respond in time: " + std::to_string(welcomed_) + " welcomed, " +
                  std::to_string(leased_) + " leased, " + std::to_string(settled_) + " settled");
    }
    if (at >= next_signal_check) {
      if (!signals_.take().empty()) return fail("interrupted");
      next_signal_check = at + kSignalCheckInterval;
    }
    run_due_actions(at);
    auto wake = std::min(limit, next_signal_check);
    if (!actions_.empty()) wake = std::min(wake, actions_.top().at);
    std::array<zmq::pollitem_t, 1> items{{{socket_.handle(), 0, ZMQ_POLLIN, 0}}};
    zmq::poll(items, std::max(milliseconds(0), std::chrono::ceil<milliseconds>(wake - at)));
    SWEEP_TRY(receive_messages(done));
    if (!send_error_.empty()) return fail(send_error_);
  }
  return {};
}

void SimulatedAgents::run_due_actions(Clock::time_point now) {
  while (!actions_.empty() && actions_.top().at <= now) {
    const TimedAction action = actions_.top();
    actions_.pop();
    run_action(action);
  }
}

// Handles the messages that have arrived, up to a limit.
Expected<void> SimulatedAgents::receive_messages(const std::function<bool()>& done) {
  constexpr int kMessagesPerTurn = 1000;
  std::vector<zmq::message_t> frames;
  std::vector<std::string_view> views;
  for (int i = 0; i < kMessagesPerTurn && !done(); ++i) {
    frames.clear();
    if (!zmq::recv_multipart(socket_, std::back_inserter(frames), zmq::recv_flags::dontwait)) break;
    ++in_;
    views.clear();
    for (std::size_t frame = 1; frame < frames.size(); ++frame)
      views.push_back(frames[frame].to_string_view());
    const auto envelope = wire::decode(views);
    if (!envelope) return fail("the controller sent an invalid message: " + envelope.error().message);
    SWEEP_TRY(handle(index_of(frames[0].to_string_view()), envelope->message));
  }
  return {};
}

Expected<void> SimulatedAgents::handle(int index, const wire::Message& message) {
  Agent& agent = agents_[static_cast<std::size_t>(index)];
  if (const auto* welcome = std::get_if<wire::Welcome>(&message)) {
    ++welcomed_;
    heartbeat_ = milliseconds(welcome->heartbeat_ms);
  } else if (const auto* lease = std::get_if<wire::Lease>(&message)) {
    take_lease(agent, index, *lease);
  } else if (const auto* settled = std::get_if<wire::Settled>(&message)) {
    ++settled_;
    if (!settled->accepted) ++rejected_;
    last_settled_ = Clock::now();
  } else if (const auto* drain = std::get_if<wire::Drain>(&message)) {
    if (agent.drained) return {};
    agent.drained = true;
    ++drained_;
    all_complete_ = all_complete_ && drain->complete;
    send(agent, wire::Goodbye{"measured"});
  } else if (const auto* reject = std::get_if<wire::Reject>(&message)) {
    return fail("the controller rejected agent " + agent.name + ": " + reject->reason);
  }
  return {};
}

void SimulatedAgents::take_lease(Agent& agent, int index, const wire::Lease& lease) {
  if (agent.waits_for_lease) lease_ms_.push_back(ms_between(agent.finished, Clock::now()));
  ++leased_;
  holding_ += !agent.has_lease;
  agent.waits_for_lease = false;
  agent.has_lease = true;
  agent.ref = lease.ref;
  agent.conc = concurrency_of(lease);
  send(agent, wire::Started{agent.ref, index + 1});
  if (mode_ == Mode::Saturated) finish(index);
  if (mode_ == Mode::Paced) start_running(index, 0.5);
}

void SimulatedAgents::start_running(int index, double least) {
  const double part = std::uniform_real_distribution<double>(least, 1.5)(random_);
  actions_.push({Clock::now() + duration_cast<Clock::duration>(part * mean_), index, false});
}

void SimulatedAgents::finish(int index) {
  Agent& agent = agents_[static_cast<std::size_t>(index)];
  wire::Finished message{.ref = agent.ref, .outcome = {}, .wall_ms = 1};
  message.outcome.exit_code = 0;
  holding_ -= agent.has_lease;
  agent.has_lease = false;
  agent.waits_for_lease = true;
  agent.finished = Clock::now();
  send(agent, message, result(agent.conc));
}

void SimulatedAgents::finish_all() {
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    if (agents_[i].has_lease) finish(static_cast<int>(i));
  }
}

void SimulatedAgents::run_action(const TimedAction& action) {
  Agent& agent = agents_[static_cast<std::size_t>(action.agent)];
  if (!action.is_heartbeat) {
    if (agent.has_lease) finish(action.agent);
    return;
  }
  if (agent.drained) return;
  if (agent.last_sent + heartbeat_ <= action.at) send(agent, wire::Heartbeat{});
  actions_.push({agent.last_sent + heartbeat_, action.agent, true});
}

void SimulatedAgents::send(Agent& agent, const wire::Message& message, std::string_view bulk) {
  const std::vector<std::string> frames = wire::encode(message, bulk);
  agent.last_sent = Clock::now();
  ++out_;
  try {
    bool sent =
        bool(socket_.send(zmq::buffer(agent.name), zmq::send_flags::sndmore | zmq::send_flags::dontwait));
    for (std::size_t i = 0; sent && i < frames.size(); ++i) {
      const auto more = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      sent = bool(socket_.send(zmq::buffer(frames[i]), more | zmq::send_flags::dontwait));
    }
    if (!sent) send_error_ = "the queue of " + agent.name + " is full";
  } catch (const zmq::error_t& error) {
    send_error_ = "the connection of " + agent.name + " is gone: " + error.what();
  }
}

}  // namespace sweep::bench
