#include "controller/io/driver.hpp"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "controller/io/control_file.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/outputs.hpp"
#include "controller/profile/record.hpp"
#include "controller/view/lines.hpp"
#include "controller/view/status.hpp"
#include "proto/net/address.hpp"
#include "proto/net/munge.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr Millis kCommitDelay{50};     // of events that let nothing out
constexpr Millis kCommitRetry{2'000};  // after the journal could not be written
constexpr std::size_t kMostWaiting = 500, kMostWaitingBytes = 32 * 1024 * 1024;  // result files to write
constexpr Millis kGoodbyes{10'000};  // how long agents may take to leave once the sweep is over

/// An agent is a descriptor, and a login node's usual limit is a thousand.
void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

bool hears_of(const core::Event& event) {
  return !std::holds_alternative<core::Started>(event.what);
}

/// Whether agents that were announced have yet to say Hello.
bool some_absent(const core::State& state, std::size_t came) {
  return came < static_cast<std::size_t>(core::announced_agents(state));
}

}  // namespace

// --- opening and closing
// ---------------------------------------------------------------------------------------

Driver::Driver(OpenedSweep entry, std::string directory, Console& console)
    : sweep_(std::move(entry.sweep)),
      server_keys_(std::move(entry.server_keys)),
      client_keys_(std::move(entry.client_keys)),
      directory_(std::move(directory)),
      footing_(directory_),
      console_(console),
      journal_(std::move(entry.journal)),
      log_(directory_ + "/logs/controller.log") {}

Expected<std::unique_ptr<Driver>> Driver::open(OpenedSweep entry, const std::string& directory,
                                               Console& console, Fd listening) {
  // What is large comes and goes as a whole: glibc would learn to keep it, and a sweep's end has its tables
  // in memory beside what its connections had.
  constexpr int kLarge = 256 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, kLarge);
  const auto admits = entry.admits;
  std::unique_ptr<Driver> server(new Driver(std::move(entry), directory, console));
  SWEEP_TRY(write_matrix(directory, server->sweep_.plan));
  SWEEP_TRY(server->choose_admission(admits));
  SWEEP_TRY(server->listen(std::move(listening)));
  ::malloc_trim(0);  // the opening of a large sweep took several times what it keeps
  return server;
}

// The answer holds for the session: agents that came by munge's word are not to find another rule because
// munge did not answer in the moment in which a controller came back.
Expected<void> Driver::choose_admission(std::optional<Admission::By> admits) {
  if (admits) {
    admission_.emplace(*admits, server_keys_.public_key, munge_uid());
  } else {
    SWEEP_ASSIGN(auto admission, Admission::open(sweep_.plan.profile.auth, server_keys_.public_key));
    admission_.emplace(std::move(admission));
  }
  log_.info(admission_->note());
  return {};
}

profile::Profile Driver::profile_for_next() const {
  profile::Profile out = sweep_.plan.profile;
  out.auth =
      admission_->by() == Admission::By::Munge ? profile::Profile::Auth::Munge : profile::Profile::Auth::Key;
  return out;
}

Expected<void> Driver::listen(Fd listening) {
  allow_many_files();
  const auto refusals = [this](Fault kind) {
    return [this, kind](const std::string& from, const std::string& why) {
      log_.fault(kind, "connection from " + from + " refused: it " + why, now());
    };
  };
  doorman_.emplace(context_, client_keys_.public_key, refusals(Fault::Key));
  SWEEP_ASSIGN(auto socket, listening.open()
                                ? ServerSocket::listen(context_, std::move(listening), server_keys_)
                                : ServerSocket::listen(context_, "tcp://*:*", server_keys_));
  socket_.emplace(std::move(socket));
  handshakes_.emplace(context_, socket_->socket(), refusals(Fault::Handshake));
  access_ = {"tcp://" + reachable_host() + ":" + std::to_string(socket_->port()), server_keys_.public_key,
             client_keys_.secret_key};
  loop_.watch(doorman_->socket(), [this] { doorman_->answer(); });
  loop_.watch(handshakes_->socket(), [this] { handshakes_->take(); });
  loop_.watch(socket_->socket(), [this] { take_messages(); });
  log_.info("sweep " + sweep_.facts.sweep + " of " + counted(sweep_.plan.points.size(), "point") +
            " listens on " + access_.endpoint);
  return write_control_file(
      directory_, {host_name(), ::getpid(), access_.endpoint, access_.server_key, access_.client_secret,
                   server_keys_.secret_key, profile::profile_to_json(profile_for_next())});
}

void Driver::retire() const {
  remove_control_file(directory_);
}

// --- the rounds
// ------------------------------------------------------------------------------------------------

bool Driver::run() {
  keep(advance(core::Tick{}));
  settle();
  while (!over()) {
    heard_ = false;
    loop_.step(files_.empty() ? deadline() : now());
    take_waiting_hellos();
    keep(advance(core::Tick{}));
    settle();
    write_files();
    draw();
  }
  for (const std::string& line : log_.totals())
    console_.error(line + ": see logs/controller.log");
  let_go();
  return batch_.empty();
}

// Nothing is read any more. A thousand connections have some sixty megabytes, which the end can use once
// ZeroMQ's thread is through with them: that takes as long as what was said last needs to go out, and no
// longer than its linger.
void Driver::let_go() {
  handshakes_.reset();
  socket_.reset();
  doorman_.reset();
  context_.close();
  files_.clear();  // the end writes all that is missing
  ::malloc_trim(0);
}

std::optional<Instant> Driver::deadline() const {
  auto next = core::next_deadline(sweep_.state, now());
  // While the journal cannot be written, that is what is waited for.
  next = earlier(next, retry_at_ ? retry_at_ : commit_by_);
  next = earlier(next, waiting_hellos_.due());
  if (batch_.empty()) next = earlier(next, linger_until_);
  return earlier(next, console_.next_redraw());
}

bool Driver::over() {
  // Nobody is here, and what the end would write has no place: there is nothing to wait for.
  if (!expects_agents_ && place() != DirectoryWatch::Place::There) return true;
  if (sweep_.state.phase != core::Phase::Closed) return false;
  if (!batch_.empty()) return hurried_ || given_up();
  if (!expects_agents_ || hurried_) return true;
  if (!linger_until_) {
    const bool absent = some_absent(sweep_.state, peer_of_.size());
    linger_until_ = now() + (absent ? std::max(kGoodbyes, sweep_.plan.profile.join) : kGoodbyes);
  }
  return everybody_left() || now() >= *linger_until_;
}

// The journal takes nothing, and srun has ended, so that nobody is here who could end this: for as long as an
// agent would look for a controller, and no longer.
bool Driver::given_up() {
  if (expects_agents_) return false;
  if (!give_up_at_) give_up_at_ = now() + sweep_.plan.profile.away;
  return now() >= *give_up_at_;
}

// Agents may come when all is over already. They too are to hear so, and not to look for a controller that is
// gone.
bool Driver::everybody_left() const {
  if (some_absent(sweep_.state, peer_of_.size())) return false;
  return std::all_of(peer_of_.begin(), peer_of_.end(), [&](const auto& entry) {
    return departed_.contains(entry.first) || core::is_gone(sweep_.state, entry.first);
  });
}

void Driver::stop(const std::string& reason, Millis patience) {
  hurried_ = sweep_.state.phase != core::Phase::Running && patience.count() == 0;
  keep(advance(core::Stop{reason, patience}));
}

void Driver::keep(core::Decision decision) {
  outbox_.insert(outbox_.end(), std::make_move_iterator(decision.replies.begin()),
                 std::make_move_iterator(decision.replies.end()));
}

core::Decision Driver::advance(const core::Command& command) {
  core::Decision decision = core::advance(
      sweep_.state, command, now(), [this](const core::State&, const core::Event& event) { witness(event); });
  if (!decision.rejected.empty()) log_.peer_fault(decision.rejected);
  return decision;
}

void Driver::witness(const core::Event& event) {
  batch_.events.push_back(event);
  const std::string line = view::event_line(sweep_.plan, sweep_.state, event, sweep_.facts, console_.style());
  if (!line.empty()) lines_.push_back(line);
  if (const auto* ended = std::get_if<core::Ended>(&event.what)) {
    sweep_.facts.progress.erase({ended->ref.point, ended->ref.attempt});
    if (ended->outcome.kind == OutcomeKind::Ok && raw_ != nullptr) {
      batch_.results.push_back({ended->ref, core::find_attempt(sweep_.state, ended->ref)->node,
                                ended->accepted, std::move(*raw_)});
      documents_.push_back(std::move(processed_));
      raw_ = nullptr;
    }
  }
}

void Driver::settle() {
  if (batch_.empty() && outbox_.empty()) return;
  const bool urgent = !outbox_.empty() || std::any_of(batch_.events.begin(), batch_.events.end(), hears_of);
  if (!urgent && !commit_by_) commit_by_ = now() + kCommitDelay;
  if (!urgent && now() < *commit_by_) return;
  if (retry_at_ && now() < *retry_at_) return;
  if (commit()) let_out();
}

bool Driver::commit() {
  if (lost_) {
    commit_by_.reset();
    return true;
  }
  const auto done = batch_.empty() ? Expected<void>() : journal_.commit(batch_);
  if (!done && place() == DirectoryWatch::Place::Deleted) {
    lose();
    return true;
  }
  if (!done) {
    if (!retry_at_) console_.error(done.error().message + "; nothing is leased until it can be written");
    retry_at_ = now() + kCommitRetry;
    return false;
  }
  if (retry_at_) console_.error("the journal can be written again");
  retry_at_.reset();
  commit_by_.reset();
  return true;
}

// The journal was deleted, and takes nothing ever again. Agents would wait with what they have for as long as
// their job lasts: they are told to end, and what they still say is answered though it is kept nowhere.
void Driver::lose() {
  lost_ = true;
  retry_at_.reset();
  commit_by_.reset();
  // What will not have happened.
  lines_.clear();
  std::erase_if(outbox_,
                [](const core::Effect& effect) { return std::holds_alternative<core::SendLease>(effect); });
  keep(advance(core::Stop{"the output directory '" + directory_ + "' was deleted",
                          sweep_.plan.profile.kill_grace + kStopMargin}));
}

// After the commit. Agents first: they wait for work, the files for nobody.
void Driver::let_out() {
  for (const core::Effect& effect : outbox_)
    send(effect);
  outbox_.clear();
  for (const std::string& line : lines_)
    console_.line(line);
  lines_.clear();
  if (!lost_) queue_files();
  documents_.clear();
  batch_ = {};
}

// Files follow from the journal, so they have time; and what there is no memory for waits for the end of the
// sweep, which writes all that is missing.
void Driver::queue_files() {
  for (std::size_t i = 0; i < batch_.results.size(); ++i) {
    journal::StoredResult& result = batch_.results[i];
    if (!result.accepted || file_bytes_ + result.raw.size() > kMostWaitingBytes ||
        files_.size() >= kMostWaiting)
      continue;
    const int index = core::find_point(sweep_.state, result.ref.point);
    file_bytes_ += result.raw.size();
    files_.push_back({result_filename(sweep_.plan, index, result.node), std::move(result.raw),
                      std::move(documents_[i]), result.ref});
    if (result.ref.attempt > 1) remove_superseded(directory_, sweep_.plan, sweep_.state, index);
  }
  documents_.clear();
}

// One result a round in which nothing was heard, so that nobody waits for more than that.
void Driver::write_files() {
  if (heard_ || files_.empty()) return;
  ResultFiles files = std::move(files_.front());
  files_.pop_front();
  complete_record(files.processed, sweep_.plan, sweep_.state, sweep_.facts, files.ref);
  file_bytes_ -= std::min(file_bytes_, files.raw.size());
  const auto done =
      write_result_files(directory_, files.name, files.raw, agg_text(files.processed.document), Sync::No);
  if (!done) complain_once(done.error().message + "; the result is safe in the journal");
}

void Driver::complain_once(const std::string& problem) {
  if (complaints_.insert(problem).second) console_.error(problem);
}

void Driver::draw() {
  const auto due = console_.next_redraw();
  if (!due || (now() < *due && console_.shows_status())) return;
  console_.status(view::bar_line(sweep_.plan, sweep_.state, sweep_.facts, now(), console_.style()));
  console_.drawn(now());
}

// --- out
// -------------------------------------------------------------------------------------------------------

void Driver::send(const core::Effect& effect) {
  if (const auto* greet = std::get_if<core::SendWelcome>(&effect)) {
    const profile::Profile& profile = sweep_.plan.profile;
    send_to_agent(greet->agent, wire::Welcome{sweep_.facts.sweep, sweep_.state.settings.pack_gpus,
                                              profile.heartbeat.count(), profile.kill_grace.count(),
                                              profile.away.count(), profile.spool, asks_node(profile)});
  } else if (const auto* grant = std::get_if<core::SendLease>(&effect)) {
    const int index = core::find_point(sweep_.state, grant->ref.point);
    const core::AgentStatus& agent = sweep_.state.agents.at(grant->agent);
    wire::Lease lease = make_lease(sweep_.plan, index, grant->ref.attempt, agent.info.node);
    if (!lease.container.runtime.empty())
      lease.container.next = next_image(sweep_.plan, sweep_.state, index, agent);
    send_to_agent(grant->agent, lease);
  } else if (const auto* say = std::get_if<core::SendMessage>(&effect)) {
    wire::Message message = say->message;
    auto* drain = std::get_if<wire::Drain>(&message);
    if (drain != nullptr && lost_) drain->complete = false;  // the agent's status, and so srun's, says it
    send_to_agent(say->agent, message);
  }
}

void Driver::send_to_agent(const std::string& agent, const wire::Message& message) {
  const auto peer = peer_of_.find(agent);
  if (peer == peer_of_.end() || !socket_->send(peer->second, message)) {
    log_.news(std::string(wire::type_name(message)) + " did not reach " + agent, now());
  }
}

}  // namespace sweep
