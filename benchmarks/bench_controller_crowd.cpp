#include "benchmarks/bench_controller_crowd.hpp"

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

// For the whole of a phase; a controller that says nothing more is not waited for any longer.
constexpr seconds kPatience{600};
constexpr milliseconds kLookForSignals{200};

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

// What bench-noop leaves: it passes every check, and calls itself a stand-in.
std::string result(const std::string& conc) {
  static const std::string kRest =
      ", \"duration\": 1.0, \"completed\": 1, "
      "\"total_input_tokens\": 1, \"total_output_tokens\": 1, \"request_throughput\": 1.0, "
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

Crowd::Crowd(int agents, SignalFd& signals)
    : signals_(signals),
      socket_(context_, zmq::socket_type::router),
      agents_(static_cast<std::size_t>(agents)) {
  for (int i = 0; i < agents; ++i)
    agents_[static_cast<std::size_t>(i)].name = name_of(i);
}

// --- phases

// The options are those of the agents' own sockets (proto/net/sockets.cpp).
void Crowd::open(const Door& door) {
  socket_.set(zmq::sockopt::linger, 2000);
  socket_.set(zmq::sockopt::ipv6, true);
  socket_.set(zmq::sockopt::heartbeat_ivl, 10'000);
  socket_.set(zmq::sockopt::heartbeat_timeout, 30'000);
  socket_.set(zmq::sockopt::reconnect_ivl, 100);
  socket_.set(zmq::sockopt::reconnect_ivl_max, 5000);
  socket_.set(zmq::sockopt::sndhwm, 1000);
  socket_.set(zmq::sockopt::rcvhwm, 1000);
  socket_.set(zmq::sockopt::router_mandatory, true);
  socket_.set(zmq::sockopt::curve_serverkey, door.server_key);
  socket_.set(zmq::sockopt::curve_publickey, public_key_of(door.client_secret).value());
  socket_.set(zmq::sockopt::curve_secretkey, door.client_secret);
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    // The next connection calls itself so over there, and is called so here.
    socket_.set(zmq::sockopt::routing_id, agents_[i].name);
    socket_.set(zmq::sockopt::connect_routing_id, agents_[i].name);
    socket_.connect(door.endpoint);
    say(agents_[i], hello(static_cast<int>(i), static_cast<int>(agents_.size())));
  }
}

Expected<double> Crowd::connect(const Door& door) {
  const auto start = Clock::now();
  open(door);
  const auto all = [this] { return welcomed_ == static_cast<int>(agents_.size()); };
  SWEEP_TRY(run_until(all, start + kPatience, true));
  for (std::size_t i = 0; i < agents_.size(); ++i)
    dues_.push({agents_[i].said + heartbeat_, static_cast<int>(i), true});
  return duration<double>(Clock::now() - start).count();
}

Expected<void> Crowd::take_work() {
  for (Agent& agent : agents_)
    say(agent, wire::Ready{});
  return run_until([this] { return leased_ == static_cast<int>(agents_.size()); }, Clock::now() + kPatience,
                   true);
}

Expected<void> Crowd::idle(Clock::duration time) {
  return run_until([] { return false; }, Clock::now() + time, false);
}

Crowd::Tally Crowd::begin() {
  lease_ms_.clear();
  for (Agent& agent : agents_)
    agent.waits_for_lease = false;  // what began before the phase is no part of it
  in_ = out_ = 0;
  began_ = last_settled_ = Clock::now();
  Tally tally;
  tally.points = settled_;
  return tally;
}

void Crowd::end(Tally& tally) {
  pace_ = Pace::Hold;
  tally.seconds = duration<double>(last_settled_ - began_).count();
  tally.points = settled_ - tally.points;
  tally.in = in_;
  tally.out = out_;
  tally.lease_ms = std::move(lease_ms_);
}

Expected<Crowd::Tally> Crowd::rush(std::uint64_t points) {
  Tally tally = begin();
  const std::uint64_t aim = settled_ + points;
  pace_ = Pace::Rush;
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    if (agents_[i].has_lease) finish(static_cast<int>(i));
  }
  if (auto done = run_until([&] { return settled_ >= aim; }, Clock::now() + kPatience, true); !done)
    return tl::unexpected(done.error());
  end(tally);
  // What is still under way belongs to no phase.
  const auto calm = [this] { return holding_ == static_cast<int>(agents_.size()); };
  SWEEP_TRY(run_until(calm, Clock::now() + kPatience, true));
  return tally;
}

Expected<Crowd::Tally> Crowd::stroll(std::uint64_t points, Clock::duration mean) {
  Tally tally = begin();
  const std::uint64_t aim = settled_ + points;
  pace_ = Pace::Stroll;
  mean_ = mean;
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    if (agents_[i].has_lease) start_running(static_cast<int>(i), 0);
  }
  if (auto done = run_until([&] { return settled_ >= aim; }, Clock::now() + kPatience, true); !done)
    return tl::unexpected(done.error());
  end(tally);
  return tally;
}

Expected<bool> Crowd::part() {
  pace_ = Pace::Rush;
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    if (agents_[i].has_lease) finish(static_cast<int>(i));
  }
  const auto all = [this] { return parted_ == static_cast<int>(agents_.size()); };
  SWEEP_TRY(run_until(all, Clock::now() + kPatience, true));
  return all_complete_;
}

// --- what happens

// `must`: that `limit` passes first is a failure.
Expected<void> Crowd::run_until(const std::function<bool()>& over, Clock::time_point limit, bool must) {
  std::vector<zmq::message_t> frames;
  std::vector<std::string_view> views;
  auto next_look = Clock::now() + kLookForSignals;
  while (!over()) {
    auto at = Clock::now();
    if (at >= limit)
      return must
                 ? Expected<void>(fail("the controller did not answer in time: " + std::to_string(welcomed_) +
                                       " welcomed, " + std::to_string(leased_) + " leased, " +
                                       std::to_string(settled_) + " settled"))
                 : Expected<void>();
    if (at >= next_look) {
      if (!signals_.take().empty()) return fail("interrupted");
      next_look = at + kLookForSignals;
    }
    while (!dues_.empty() && dues_.top().at <= at) {
      const Due due = dues_.top();
      dues_.pop();
      ring(due);
    }
    auto wake = std::min(limit, next_look);
    if (!dues_.empty()) wake = std::min(wake, dues_.top().at);
    std::array<zmq::pollitem_t, 1> items{{{socket_.handle(), 0, ZMQ_POLLIN, 0}}};
    zmq::poll(items, std::max(milliseconds(0), std::chrono::ceil<milliseconds>(wake - at)));
    for (int taken = 0; taken < 1000 && !over(); ++taken) {
      frames.clear();
      if (!zmq::recv_multipart(socket_, std::back_inserter(frames), zmq::recv_flags::dontwait)) break;
      ++in_;
      views.clear();
      for (std::size_t i = 1; i < frames.size(); ++i)
        views.push_back(frames[i].to_string_view());
      const auto envelope = wire::decode(views);
      if (!envelope) return fail("the controller said what is no message: " + envelope.error().message);
      SWEEP_TRY(take(index_of(frames[0].to_string_view()), envelope->message));
    }
    if (!trouble_.empty()) return fail(trouble_);
  }
  return {};
}

Expected<void> Crowd::take(int index, const wire::Message& message) {
  Agent& agent = agents_[static_cast<std::size_t>(index)];
  if (const auto* welcome = std::get_if<wire::Welcome>(&message)) {
    ++welcomed_;
    heartbeat_ = milliseconds(welcome->heartbeat_ms);
  } else if (const auto* lease = std::get_if<wire::Lease>(&message)) {
    take_lease(agent, index, *lease);
  } else if (const auto* settled = std::get_if<wire::Settled>(&message)) {
    ++settled_;
    if (!settled->accepted) ++refused_;
    last_settled_ = Clock::now();
  } else if (const auto* drain = std::get_if<wire::Drain>(&message)) {
    if (agent.parted) return {};
    agent.parted = true;
    ++parted_;
    all_complete_ = all_complete_ && drain->complete;
    say(agent, wire::Goodbye{"measured"});
  } else if (const auto* reject = std::get_if<wire::Reject>(&message)) {
    return fail("the controller does not take agent " + agent.name + ": " + reject->reason);
  }
  return {};
}

void Crowd::take_lease(Agent& agent, int index, const wire::Lease& lease) {
  if (agent.waits_for_lease) lease_ms_.push_back(ms_between(agent.finished, Clock::now()));
  ++leased_;
  holding_ += !agent.has_lease;
  agent.waits_for_lease = false;
  agent.has_lease = true;
  agent.ref = lease.ref;
  agent.conc = concurrency_of(lease);
  say(agent, wire::Started{agent.ref, index + 1});
  if (pace_ == Pace::Rush) finish(index);
  if (pace_ == Pace::Stroll) start_running(index, 0.5);
}

void Crowd::start_running(int index, double least) {
  const double part = std::uniform_real_distribution<double>(least, 1.5)(random_);
  dues_.push({Clock::now() + duration_cast<Clock::duration>(part * mean_), index, false});
}

void Crowd::finish(int index) {
  Agent& agent = agents_[static_cast<std::size_t>(index)];
  wire::Finished message{.ref = agent.ref, .outcome = {}, .wall_ms = 1};
  message.outcome.exit_code = 0;
  holding_ -= agent.has_lease;
  agent.has_lease = false;
  agent.waits_for_lease = true;
  agent.finished = Clock::now();
  say(agent, message, result(agent.conc));
}

void Crowd::ring(const Due& due) {
  Agent& agent = agents_[static_cast<std::size_t>(due.agent)];
  if (!due.is_heartbeat) {
    if (agent.has_lease) finish(due.agent);
    return;
  }
  if (agent.parted) return;
  if (agent.said + heartbeat_ <= due.at) say(agent, wire::Heartbeat{});
  dues_.push({agent.said + heartbeat_, due.agent, true});
}

void Crowd::say(Agent& agent, const wire::Message& message, std::string_view bulk) {
  const std::vector<std::string> frames = wire::encode(message, bulk);
  agent.said = Clock::now();
  ++out_;
  try {
    bool sent =
        bool(socket_.send(zmq::buffer(agent.name), zmq::send_flags::sndmore | zmq::send_flags::dontwait));
    for (std::size_t i = 0; sent && i < frames.size(); ++i) {
      const auto more = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      sent = bool(socket_.send(zmq::buffer(frames[i]), more | zmq::send_flags::dontwait));
    }
    if (!sent) trouble_ = "the queue of " + agent.name + " is full";
  } catch (const zmq::error_t& error) {
    trouble_ = "the connection of " + agent.name + " is gone: " + error.what();
  }
}

}  // namespace sweep::bench
