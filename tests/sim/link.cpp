#include "tests/sim/link.hpp"

namespace sweep::sim {

namespace {

constexpr Millis kUsualDelay{20}, kLongDelay{2'000};

}  // namespace

bool Link::weather_cuts() {
  if (!stage_.dice.per_mille(stage_.storm.cut)) return false;
  // Short ones pass unnoticed by the controller; in long ones the agent is taken for gone.
  const bool is_long = stage_.dice.percent(20);
  const Millis notice =
      stage_.dice.percent(80) ? Millis(stage_.dice.below(50)) : Millis(stage_.dice.below(30'000));
  cut(notice, stage_.dice.time(Millis(100), is_long ? Millis(200'000) : Millis(3'000)));
  return true;
}

void Link::to_controller(const wire::Message& message, const std::string& bulk) {
  if (closed_) return;
  Frames frames = wire::encode(message, bulk);
  if (!up_) {
    if (keeps_ && believed_) kept_.push_back(std::move(frames));
    return;
  }
  const bool twice = stage_.dice.per_mille(stage_.storm.doubled);
  if (twice) up_the_wire(frames);
  up_the_wire(std::move(frames));
  weather_cuts();
}

void Link::up_the_wire(Frames frames) {
  last_up_ = std::max(last_up_, stage_.now + stage_.dice.delay(kUsualDelay, kLongDelay));
  stage_.agenda.at(last_up_, [this, epoch = up_epoch_, frames = std::move(frames)] {
    if (epoch == up_epoch_) ends_.at_controller(frames);
  });
}

void Link::to_agent(const wire::Message& message, const std::string& bulk) {
  if (!up_ || closed_) return;
  const Frames frames = wire::encode(message, bulk);
  last_down_ = std::max(last_down_, stage_.now + stage_.dice.delay(kUsualDelay, kLongDelay));
  for (int copies = stage_.dice.per_mille(stage_.storm.doubled) ? 2 : 1; copies > 0; --copies) {
    stage_.agenda.at(last_down_, [this, epoch = down_epoch_, frames] {
      if (epoch == down_epoch_ && !closed_) ends_.at_agent(frames);
    });
  }
  weather_cuts();
}

void Link::cut(Millis notice, Millis gone) {
  if (!up_ || closed_) return;
  up_ = false;
  ++up_epoch_;
  keeps_ = stage_.dice.percent(50);
  Instant noticed = stage_.now + notice;
  if (stage_.dice.percent(50)) {
    ++down_epoch_;
  } else {
    noticed = std::max(noticed, last_down_);  // what the controller had said before still arrives
  }
  const bool unseen = stage_.dice.percent(5);
  stage_.agenda.at(noticed, [this, unseen, gone] {
    if (closed_) return;
    ++down_epoch_;
    believed_ = false;
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
  stage_.agenda.at(stage_.now + after, [this] {
    if (closed_ || up_) return;
    if (ends_.reachable()) return establish();
    if (stage_.dice.percent(5)) ends_.news(agent::Disconnected{});  // it never got to be one
    try_again(stage_.dice.time(Millis(100), Millis(5'000)));
  });
}

void Link::establish() {
  up_ = believed_ = true;
  ends_.made();
  const std::vector<Frames> kept = std::move(kept_);
  kept_.clear();
  for (const Frames& frames : kept)
    up_the_wire(frames);
  ends_.news(agent::Connected{});
}

}  // namespace sweep::sim
