#include "agent/core/server.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/contained.hpp"
#include "agent/core/duration_text.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kTailLines = 12;
constexpr std::size_t kTailLine = 300;
constexpr std::size_t kIdleOutput = std::size_t{64} << 10;
constexpr Millis kAskAgain{250};

LinePattern pattern(const std::string& text) {
  // The profile's reader has checked the pattern. An invalid one, from another controller, matches nothing.
  return text.empty() ? LinePattern() : LinePattern::compile(text).value_or(LinePattern());
}

std::string how(const Ended& ended) {
  if (ended.signal) return "was ended by signal " + std::to_string(*ended.signal);
  return ended.code ? "exited with status " + std::to_string(*ended.code) : "ended";
}

}  // namespace

Server::Server(const Setup& setup, int number, Plan plan)
    : setup_(setup),
      ref_{kServerRef, number},
      plan_(std::move(plan)),
      ready_line_(pattern(plan_.spec.ready_log)),
      progress_line_(pattern(plan_.spec.progress)),
      backlog_(kIdleOutput) {}

bool Server::overlaps(const std::vector<std::string>& gpus) const {
  if (gpus.empty() || plan_.gpus.empty()) return true;
  return std::any_of(gpus.begin(), gpus.end(), [&](const std::string& gpu) {
    return std::find(plan_.gpus.begin(), plan_.gpus.end(), gpu) != plan_.gpus.end();
  });
}

std::string Server::phase() const {
  switch (stage_) {
    case Stage::Preparing:
    case Stage::Spawning:
    case Stage::Starting:
      return "server-start";
    case Stage::Loading:
    case Stage::Ready:
      return "ready";
    case Stage::Resetting:
    case Stage::Checking:
      return "reset";
    case Stage::Stopping:
    case Stage::Gone:
      break;
  }
  return "stop";
}

// ---- its start

void Server::begin(std::vector<int> ports_in_use, Actions& out) {
  out.emplace_back(Prepare{ref_, {}, std::move(ports_in_use)});
}

void Server::on(const Prepared& input, Instant, Actions& out) {
  if (stage_ != Stage::Preparing) return;
  port_ = input.port;
  Variables variables;
  for (const auto& [name, value] : plan_.variables) {
    const auto& names = plan_.spec.names;
    if (std::find(names.begin(), names.end(), name) != names.end()) variables.emplace_back(name, value);
  }
  Variables gpus;
  if (!plan_.gpus.empty()) gpus = gpu_variables(setup_.gpus, plan_.gpus);
  const std::string mark = mark_of(ref_);
  auto environment = benchmark_environment(setup_.environment, variables, gpus, port_, plan_.directory);
  environment.push_back(mark);
  stage_ = Stage::Spawning;
  Spawn spawn{ref_, plan_.spec.command,      std::move(environment), plan_.directory,
              mark, plan_.staged.has_value()};
  if (plan_.staged) {
    variables.insert(variables.end(), gpus.begin(), gpus.end());
    spawn.argv = contained_command(setup_, plan_.container, *plan_.staged,
                                   {plan_.spec.command, plan_.workspace, ref_, std::move(variables)});
  }
  out.emplace_back(std::move(spawn));
}

void Server::on(const NotPrepared& input, Instant, Actions&) {
  fail_to_start(OutcomeKind::Infrastructure, input.reason);
}

void Server::on(const StartFailed& input, Instant, Actions&) {
  fail_to_start(OutcomeKind::ServerFailed, input.reason);
}

void Server::fail_to_start(OutcomeKind kind, const std::string& reason) {
  if (stage_ == Stage::Gone || alive_) return;
  if (usable()) failure_ = Outcome{kind, {}, {}, phase(), reason};
  stage_ = Stage::Gone;
}

void Server::on(const ProcessStarted&, Instant now, Actions& out) {
  alive_ = true;
  started_at_ = now;
  if (stage_ != Stage::Spawning) {  // it was stopped in the meantime
    out.emplace_back(SignalGroup{ref_, killing_});
    return;
  }
  stage_ = Stage::Starting;
  if (!plan_.spec.ready_url.empty()) ask(plan_.spec.ready_url, false, now, out);
}

void Server::mark_loading() {
  if (stage_ == Stage::Starting) stage_ = Stage::Loading;
}

// ---- its output

void Server::on(const Output& input, Instant now, Actions& out) {
  const std::string_view all = input.bytes;
  if (attempt_) {
    for (OutputPiece& piece : backlog_.take(kLongestOutputPiece))
      out.emplace_back(Send{wire::LogChunk{*attempt_, piece.is_stderr}, std::move(piece.bytes)});
    for (std::size_t at = 0; at < all.size(); at += kLongestOutputPiece)
      out.emplace_back(
          Send{wire::LogChunk{*attempt_, input.is_stderr}, std::string(all.substr(at, kLongestOutputPiece))});
  } else {
    backlog_.add(input.is_stderr, all);
  }
  mark_loading();
  for (const std::string& line : (input.is_stderr ? err_ : out_).feed(all))
    on_line(line, now);
  for (const OutputEvent& sighting : (input.is_stderr ? err_bars_ : out_bars_).feed(all)) {
    if (const auto* bar = std::get_if<Bar>(&sighting)) {
      progress_at_ = now;
      bar_ = *bar;
    }
  }
}

void Server::on_line(const std::string& line, Instant now) {
  if (!find_bar(line) && line.find_first_not_of(" \t") != std::string::npos) {
    tail_.push_back(clipped(printable(line), kTailLine));
    if (tail_.size() > kTailLines) tail_.pop_front();
  }
  if (progress_line_.matches(line)) progress_at_ = now;
  if (starting_up() && ready_line_.matches(line)) return set_ready();
  if (ready() && ready_line_.matches(line)) restarted_ = true;
}

std::string Server::last_words() const {
  return tail_.empty() ? "" : ": " + tail_.back();
}

// ---- HTTP requests to it

void Server::ask(const std::string& path, bool post, Instant now, Actions& out) {
  waits_for_answer_ = true;
  ask_at_.reset();
  const Millis patience = plan_.spec.reset_ms > 0 ? Millis(plan_.spec.reset_ms) : setup_.limits.answer;
  answer_until_ = now + patience;
  out.emplace_back(AskServer{ref_, ++asked_, post, port_, path, patience});
}

void Server::on(const ServerAnswered& input, Instant now, Actions& out) {
  if (!waits_for_answer_ || input.serial != asked_) return;
  waits_for_answer_ = false;
  answer_until_.reset();
  const bool succeeded = input.status >= 200 && input.status < 300;
  if (starting_up()) {
    if (input.status > 0) mark_loading();
    if (succeeded) return set_ready();
    ask_at_ = now + kAskAgain;
    return;
  }
  if (!being_reused()) return;
  const bool resetting = stage_ == Stage::Resetting;
  if (succeeded) return resetting ? check(now, out) : set_ready();
  failed_on_reuse_ = true;
  const std::string answer = input.status > 0 ? "HTTP status " + std::to_string(input.status) : input.problem;
  fail_with(OutcomeKind::ServerFailed,
            (resetting ? "POST " + plan_.spec.reset_url : "GET " + plan_.spec.health_url) + ": " + answer,
            now, out);
}

void Server::assign(const AttemptRef& attempt, Instant now, Actions& out) {
  attempt_ = attempt;
  if (!std::exchange(used_, true) || stage_ != Stage::Ready) return;  // its caches are still empty
  if (plan_.spec.reset_url.empty()) return check(now, out);
  stage_ = Stage::Resetting;
  ask(plan_.spec.reset_url, true, now, out);
}

void Server::check(Instant now, Actions& out) {
  if (plan_.spec.health_url.empty()) return set_ready();
  stage_ = Stage::Checking;
  ask(plan_.spec.health_url, false, now, out);
}

// ---- its end

void Server::fail_with(OutcomeKind kind, std::string reason, Instant now, Actions& out) {
  if (!failure_ && usable()) {
    failure_ = Outcome{kind, {}, {}, phase(), std::move(reason)};
  }
  stop(std::nullopt, now, out);
}

void Server::stop(std::optional<Millis> longest_grace, Instant now, Actions& out) {
  ask_at_.reset();
  waits_for_answer_ = false;
  answer_until_.reset();
  const bool starts = stage_ == Stage::Spawning;
  if (stage_ == Stage::Gone) return;
  if (!alive_ && !starts) {
    stage_ = Stage::Gone;
    return;
  }
  const Millis grace = std::min(plan_.kill_grace, longest_grace.value_or(Millis::max()));
  const bool first = stage_ != Stage::Stopping;
  stage_ = Stage::Stopping;
  if (grace <= Millis(0)) return kill(now, out);
  if (!first) {
    if (kill_at_ && !killing_) kill_at_ = std::min(*kill_at_, now + grace);
    return;
  }
  kill_at_ = now + grace;
  if (alive_) out.emplace_back(SignalGroup{ref_, false});
}

void Server::kill(Instant now, Actions& out) {
  if (stage_ != Stage::Stopping || killing_) return;
  killing_ = true;
  kill_at_ = now + std::max(plan_.kill_grace, setup_.limits.stop_grace);
  if (alive_) out.emplace_back(SignalGroup{ref_, true});
}

void Server::on(const SetupFailed& input, Instant now, Actions& out) {
  if (usable())
    fail_with(input.why.of_image ? OutcomeKind::ServerFailed : OutcomeKind::Infrastructure,
              printable(input.why.reason), now, out);
}

void Server::on(const LeaderExited& input, Instant now, Actions& out) {
  // Its last output, which often contains the reason, comes before GroupGone.
  if (usable()) {
    failed_on_reuse_ = being_reused();
    Outcome end{OutcomeKind::ServerFailed, {}, {}, phase(), "the server " + how(input.how)};
    end.exit_code = input.how.code;
    end.signal = input.how.signal;
    failure_ = std::move(end);
  }
  stop(std::nullopt, now, out);
}

void Server::on(const GroupGone&, Instant, Actions&) {
  alive_ = false;
  stage_ = Stage::Gone;
  if (failure_ && (failure_->exit_code || failure_->signal)) failure_->reason += last_words();
}

// ---- time

std::optional<Server::Limit> Server::limit() const {
  if (!starting_up()) return std::nullopt;
  std::optional<Limit> next;
  const auto consider = [&](Instant at, std::string reason) {
    if (!next || at < next->at) next = Limit{at, std::move(reason)};
  };
  const wire::ServerSpec& spec = plan_.spec;
  if (stage_ == Stage::Starting && spec.start_ms > 0)
    consider(*started_at_ + Millis(spec.start_ms),
             "the server printed and answered nothing within " + duration_text(Millis(spec.start_ms)));
  if (plan_.ready_ms <= 0) return next;
  const Instant plain = *started_at_ + Millis(plan_.ready_ms);
  Instant extended = plain;
  if (progress_at_) extended = std::max(extended, *progress_at_ + Millis(spec.progress_ms));
  if (spec.longest_ms > 0)
    extended = std::max(plain, std::min(extended, *started_at_ + Millis(spec.longest_ms)));
  consider(extended, "the server was not ready within " + duration_text(extended - *started_at_) +
                         (extended > plain ? ", although loading was making progress" : ""));
  return next;
}

void Server::on_deadline(Instant now, Actions& out) {
  if (const auto due = limit(); due && now >= due->at) {
    fail_with(OutcomeKind::TimedOut, due->reason + last_words(), now, out);
  } else if (answer_until_ && now >= *answer_until_) {
    on(ServerAnswered{ref_, asked_, 0, "no answer"}, now, out);
  } else if (ask_at_ && now >= *ask_at_) {
    ask(plan_.spec.ready_url, false, now, out);
  } else if (stage_ == Stage::Stopping && kill_at_ && now >= *kill_at_) {
    if (killing_) {
      stage_ = Stage::Gone;  // some of its processes survived SIGKILL
    } else {
      kill(now, out);
    }
  }
}

std::optional<Instant> Server::next_deadline() const {
  std::optional<Instant> next = ask_at_;
  if (const auto due = limit()) next = earlier(next, due->at);
  next = earlier(next, answer_until_);
  if (stage_ == Stage::Stopping) next = earlier(next, kill_at_);
  return next;
}

}  // namespace sweep::agent
