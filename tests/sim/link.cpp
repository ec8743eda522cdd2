#include "tests/sim/link.hpp"

namespace sweep::sim {

namespace {

constexpr Millis kUsualDelay{20}, kLongDelay{2'000};

}  // namespace

bool Link::maybe_cut() {
  if (!sim_.random.per_mille(sim_.faults.cut)) return false;
  // The controller does not notice a short cut; during a long one it considers the agent gone.
  const bool is_long = sim_.random.percent(20);
  const Millis notice =
      sim_.random.percent(80) ? Millis(sim_.random.below(50)) : Millis(sim_.random.below(30'000));
  cut(notice, sim_.random.time(Millis(100), is_long ? Millis(200'000) : Millis(3'000)));
  return true;
}

void Link::to_controller(const wire::Message& message, const std::string& bulk) {
  if (closed_) return;
  Frames frames = wire::encode(message, bulk);
  if (!up_) {
    if (queues_while_down_ && agent_sees_up_) kept_.push_back(std::move(frames));
    return;
  }
  const bool twice = sim_.random.per_mille(sim_.faults.doubled);
  if (twice) send_upstream(frames);
  send_upstream(std::move(frames));
  maybe_cut();
}

void Link::send_upstream(Frames frames) {
  last_up_ = std::max(last_up_, sim_.now + sim_.random.delay(kUsualDelay, kLongDelay));
  sim_.agenda.at(last_up_, [this, epoch = up_epoch_, frames = std::move(frames)] {
    if (epoch == up_epoch_) ends_.at_controller(frames);
  });
}

void Link::to_agent(const wire::Message& message, const std::string& bulk) {
  if (!up_ || closed_) return;
  const Frames frames = wire::encode(message, bulk);
  last_down_ = std::max(last_down_, sim_.now + sim_.random.delay(kUsualDelay, kLongDelay));
  for (int copies = sim_.random.per_mille(sim_.faults.doubled) ? 2 : 1; copies > 0; --copies) {
    sim_.agenda.at(last_down_, [this, epoch = down_epoch_, frames] {
      if (epoch == down_epoch_ && !closed_) ends_.at_agent(frames);
    });
  }
  maybe_cut();
}

void Link::cut(Millis notice, Millis gone) {
  if (!up_ || closed_) return;
  up_ = false;
  ++up_epoch_;
  queues_while_down_ = sim_.random.percent(50);
  Instant noticed = sim_.now + notice;
  if (sim_.random.percent(50)) {
    ++down_epoch_;
  } else {
    noticed = std::max(noticed, last_down_);  // messages sent by the controller before the cut still arrive
  }
  const bool unseen = sim_.random.percent(5);
  sim_.agenda.at(noticed, [this, unseen, gone] {
    if (closed_) return;
    ++down_epoch_;
    agent_sees_up_ = false;
    if (!unseen) ends_.news(agent::Disconnected{});
    try_again(gone);
  });
}

void Link::close(bool in_order) {
  closed_ = true;
  up_ = false;
  if (!in_order) ++up_epoch_;
}

void Link::try_again(Millis after) {
  sim_.agenda.at(sim_.now + after, [this] {
    if (closed_ || up_) return;
    if (ends_.reachable()) return establish();
    if (sim_.random.percent(5)) ends_.news(agent::Disconnected{});  // the connection attempt failed
    try_again(sim_.random.time(Millis(100), Millis(5'000)));
  });
}

void Link::establish() {
  up_ = agent_sees_up_ = true;
  ends_.made();
  const std::vector<Frames> kept = std::move(kept_);
  kept_.clear();
  for (const Frames& frames : kept)
    send_upstream(frames);
  ends_.news(agent::Connected{});
}

}  // namespace sweep::sim
