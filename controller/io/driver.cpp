#include "controller/io/driver.hpp"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "controller/io/control_file.hpp"
#include "controller/io/incoming_files.hpp"
#include "controller/plan/hardware.hpp"
#include "controller/profile/record.hpp"
#include "controller/view/lines.hpp"
#include "proto/net/accept_gate.hpp"
#include "proto/net/address.hpp"
#include "proto/net/munge.hpp"
#include "util/os/beneath.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr Millis kCommitDelay{50};     // of events that cause no output
constexpr Millis kCommitRetry{2'000};  // after the journal could not be written
constexpr std::size_t kMostQueuedFiles = 500, kMostQueuedBytes = 32 * 1024 * 1024;  // of results
constexpr Millis kSilentWait{2'000};  // waiting longer for agents is reported
constexpr Millis kGoodbyes{10'000};   // how long agents may take to leave once the sweep is over

/// Raises the limit of open files: each agent is a descriptor, and a login node's usual limit is 1,024.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Returns the number of agents that were announced and have not said Hello yet. The core does not count those
/// that arrive after the end.
std::size_t absent_agents(const core::State& state, const MessageHandler& messages) {
  const auto joined = static_cast<std::size_t>(std::max(core::announced_agents(state), 0));
  const std::size_t announced = std::max(joined, messages.announced());
  return announced - std::min(announced, messages.agents());
}

/// Returns the profile for a controller that takes over: with the rule that was chosen if `auth` left it
/// open.
profile::Profile profile_for_successor(profile::Profile profile, Admission::By admission) {
  profile.auth =
      admission == Admission::By::Munge ? profile::Profile::Auth::Munge : profile::Profile::Auth::Key;
  return profile;
}

}  // namespace

// --- opening and closing

Driver::Driver(OpenedSweep opened, std::string directory, Console& console)
    : sweep_(std::move(opened.sweep)),
      server_keys_(std::move(opened.server_keys)),
      client_keys_(std::move(opened.client_keys)),
      directory_(std::move(directory)),
      directory_watch_(directory_),
      console_(console),
      journal_(std::move(opened.journal)),
      log_(directory_, "logs/controller.log"),
      pending_(sweep_, log_, console_) {
  if (!log_.problem().empty()) console_.error_once(log_.problem());
}

Expected<std::unique_ptr<Driver>> Driver::open(OpenedSweep opened, const std::string& directory,
                                               Console& console, Fd listening) {
  // Large blocks are always mapped and unmapped: glibc would otherwise learn to keep them, and at a sweep's
  // end its tables would be in memory beside what its connections had.
  constexpr int kLarge = 256 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, kLarge);
  const auto previous = opened.admission;
  std::unique_ptr<Driver> driver(new Driver(std::move(opened), directory, console));
  SWEEP_TRY(write_matrix(directory, driver->sweep_.plan));
  SWEEP_ASSIGN(auto admission, driver->choose_admission(previous));
  SWEEP_TRY(driver->listen(std::move(listening), std::move(admission)));
  ::malloc_trim(0);  // opening a large sweep took several times the memory that it keeps
  return driver;
}

// The rule holds for the whole session: agents that were admitted by munge must not meet another rule only
// because munge did not answer at the moment when a controller was restarted.
Expected<Admission> Driver::choose_admission(std::optional<Admission::By> previous) {
  auto admission = previous ? Admission(*previous, server_keys_.public_key, munge_uid())
                            : Admission::open(sweep_.plan.profile.auth, server_keys_.public_key);
  if (admission) log_.info(admission->note());
  return admission;
}

Expected<void> Driver::listen(Fd listening, Admission admission) {
  raise_file_limit();
  limit_connections();
  const auto log_refusal = [this](Fault kind) {
    return [this, kind](const std::string& from, const std::string& why) {
      log_.fault(kind, "connection from " + from + " refused: it " + why, now());
    };
  };
  authenticator_.emplace(context_, client_keys_.public_key, log_refusal(Fault::Key));
  SWEEP_ASSIGN(auto socket, listening.open()
                                ? ServerSocket::listen(context_, std::move(listening), server_keys_)
                                : ServerSocket::listen(context_, "tcp://*:*", server_keys_));
  socket_.emplace(std::move(socket));
  handshakes_.emplace(context_, socket_->socket(), log_refusal(Fault::Handshake));
  const profile::Profile profile = profile_for_successor(sweep_.plan.profile, admission.by());
  messages_.emplace(
      MessageHandler::Context{sweep_, directory_, *socket_, pending_, console_, log_,
                              [this](const std::string& reason, Millis patience) { stop(reason, patience); }},
      std::move(admission));
  access_ = {"tcp://" + reachable_host() + ":" + std::to_string(socket_->port()), server_keys_.public_key,
             client_keys_.secret_key};
  loop_.watch_pauses([this](Millis pause) { on_pause(pause); });
  loop_.watch(authenticator_->socket(), [this] { authenticator_->answer(); });
  loop_.watch(handshakes_->socket(), [this] { handshakes_->take(); });
  loop_.watch(socket_->socket(), [this] { received_ = messages_->receive_all() || received_; });
  log_.info("sweep " + sweep_.facts.sweep + " with " + counted(sweep_.plan.points.size(), "point") +
            " listens on " + access_.endpoint);
  return write_control_file(
      directory_, {host_name(), ::getpid(), access_.endpoint, access_.server_key, access_.client_secret,
                   server_keys_.secret_key, profile::profile_to_json(profile)});
}

void Driver::remove_control_file() const {
  sweep::remove_control_file(directory_);
}

// --- rounds

// While this process does something else than reading messages, it does not see that its agents are alive.
void Driver::excuse_since(Instant since) {
  if (now() - since >= kNoticeable) core::excuse_silence(sweep_.state, now() - since, now());
}

bool Driver::run() {
  pending_.send_later(pending_.decide(core::Tick{}));
  commit_if_due();
  while (!over()) {
    show_sign_of_life();
    report_waiting();
    received_ = false;
    loop_.step(files_.empty() ? deadline() : now());
    messages_->retry_waiting_hellos();
    pending_.send_later(pending_.decide(core::Tick{}));
    const Instant from = now();
    commit_if_due();
    write_next_file();
    excuse_since(from);
    note_silence();
    draw_status();
  }
  for (const std::string& line : log_.totals())
    console_.error(line + (log_.problem().empty() ? ": see logs/controller.log" : ""));
  if (const auto dropped = connections_dropped(); dropped > 0)
    console_.error(counted(dropped, "connection") +
                   " without a key closed early, because too few descriptors were free; see ulimit -n");
  left_behind_ = count_left_behind();
  close_connections();
  if (pending_.batch.empty()) std::ignore = remove_tree_beneath(directory_, kIncoming);
  return pending_.batch.empty();
}

// The connections of a thousand agents take some 60 MB, which the final aggregation can use once ZeroMQ's
// thread has released them. Closing the context takes as long as the last messages need to go out, at most
// their linger time.
void Driver::close_connections() {
  messages_.reset();
  handshakes_.reset();
  socket_.reset();
  authenticator_.reset();
  context_.close();
  files_.clear();  // the aggregation at the end writes every missing file
  ::malloc_trim(0);
}

std::optional<Instant> Driver::deadline() const {
  auto next = core::next_deadline(sweep_.state, now());
  // While the journal is failing, wait only for the next retry.
  next = earlier(next, retry_at_ ? retry_at_ : commit_by_);
  next = earlier(earlier(next, messages_->due()), earlier(life_at_, waiting_at_));
  if (!silence_noted_) next = earlier(next, core::all_silent_at(sweep_.state));
  if (pending_.batch.empty()) next = earlier(next, linger_until_);
  return earlier(next, console_.next_redraw());
}

bool Driver::over() {
  // srun has ended, and there is no place to write the results to: nothing to wait for.
  if (!expects_agents_ && place() != DirectoryWatch::Place::There) return true;
  if (sweep_.state.phase != core::Phase::Closed) return false;
  if (!pending_.batch.empty()) return stop_now_ || journal_wait_expired();
  if (!expects_agents_ || stop_now_) return true;
  // A resume found nothing left to run. The agents that are being started have to be told.
  if (messages_->agents() == 0 && sweep_.state.end_reason.empty()) return false;
  if (!linger_until_) {
    const bool absent = absent_agents(sweep_.state, *messages_) > 0;
    linger_until_ = now() + (absent ? std::max(kGoodbyes, sweep_.plan.profile.join) : kGoodbyes);
    waiting_at_ = now() + kSilentWait;
  }
  return everybody_left() || now() >= *linger_until_;
}

// If the journal cannot be written and srun has ended, no process is left that could end this one. It waits
// as long as an agent would look for a controller.
bool Driver::journal_wait_expired() {
  if (expects_agents_) return false;
  if (!give_up_at_) give_up_at_ = now() + sweep_.plan.profile.away;
  return now() >= *give_up_at_;
}

// Agents that arrive after the end are waited for too: otherwise they would look for a controller that is
// gone.
bool Driver::everybody_left() const {
  return absent_agents(sweep_.state, *messages_) == 0 && messages_->all_agents_left();
}

int Driver::count_left_behind() const {
  if (!expects_agents_) return 0;
  return static_cast<int>(absent_agents(sweep_.state, *messages_) +
                          messages_->agents_without_goodbye().size());
}

void Driver::call_every(Millis interval, std::function<void()> function) {
  life_interval_ = interval;
  sign_of_life_ = std::move(function);
  life_at_ = now();
}

void Driver::show_sign_of_life() {
  if (!life_at_ || now() < *life_at_) return;
  sign_of_life_();
  life_at_ = now() + life_interval_;
}

void Driver::report_waiting() {
  if (!waiting_at_ || now() < *waiting_at_) return;
  waiting_at_.reset();
  std::vector<std::string> nodes;
  for (const std::string& agent : messages_->agents_without_goodbye()) {
    const auto found = sweep_.state.agents.find(agent);
    if (found != sweep_.state.agents.end()) nodes.push_back(found->second.info.node);
  }
  console_.line("waiting up to " + std::to_string((*linger_until_ - now()).count() / 1000) + " s for " +
                counted(static_cast<std::size_t>(count_left_behind()), "agent") + " to leave" +
                (nodes.empty() ? "" : ": " + join(nodes, ", ")) + "; Ctrl-C ends it");
}

void Driver::stop(const std::string& reason, Millis patience) {
  // Once everything is stored, one signal ends the wait for agents.
  stop_now_ =
      linger_until_.has_value() || (sweep_.state.phase != core::Phase::Running && patience.count() == 0);
  pending_.send_later(pending_.decide(core::Stop{reason, patience}));
}

void Driver::commit_if_due() {
  if (pending_.empty()) return;
  const bool urgent = pending_.urgent();
  if (!urgent && !commit_by_) commit_by_ = now() + kCommitDelay;
  if (!urgent && now() < *commit_by_) return;
  if (retry_at_ && now() < *retry_at_) return;
  if (commit()) send_and_print();
}

/// Returns true if messages may be sent: the batch is committed, or the journal was deleted.
bool Driver::commit() {
  if (journal_deleted_) {
    commit_by_.reset();
    return true;
  }
  const auto done = pending_.batch.empty() ? Expected<void>() : journal_.commit(pending_.batch);
  if (!done && place() == DirectoryWatch::Place::Deleted) {
    abandon_journal();
    return true;
  }
  if (!done) {
    if (!retry_at_) {
      console_.error(done.error().message +
                     "; the sweep is paused until the journal can be written (tried every 2 s; "
                     "Ctrl-C twice ends the sweep)");
    }
    retry_at_ = now() + kCommitRetry;
    return false;
  }
  if (retry_at_) console_.error("the journal can be written again; the sweep continues");
  retry_at_.reset();
  commit_by_.reset();
  return true;
}

// The journal was deleted and cannot be written again. Agents would otherwise keep their results until the
// end of the job, so the sweep is stopped, and what they still send is acknowledged although it is not
// stored.
void Driver::abandon_journal() {
  journal_deleted_ = true;
  retry_at_.reset();
  commit_by_.reset();
  // Lines and leases of decisions that are not stored must not go out.
  pending_.lines.clear();
  std::erase_if(pending_.outbox,
                [](const core::Effect& effect) { return std::holds_alternative<core::SendLease>(effect); });
  pending_.send_later(pending_.decide(core::Stop{directory_watch_.deleted_text() + " was deleted",
                                                 sweep_.plan.profile.kill_grace + kStopMargin}));
}

// After the commit. Messages first, because agents wait for work, while files are not urgent.
void Driver::send_and_print() {
  for (const core::Effect& effect : pending_.outbox)
    send(effect);
  pending_.outbox.clear();
  for (const std::string& line : pending_.lines)
    console_.line(line);
  pending_.lines.clear();
  if (!journal_deleted_) queue_files();
  pending_.processed.clear();
  pending_.batch = {};
}

// Files follow from the journal, so they can wait. What does not fit into the queue is written at the end of
// the sweep.
void Driver::queue_files() {
  for (std::size_t i = 0; i < pending_.batch.results.size(); ++i) {
    journal::StoredResult& result = pending_.batch.results[i];
    if (!result.accepted || file_bytes_ + result.raw.size() > kMostQueuedBytes ||
        files_.size() >= kMostQueuedFiles)
      continue;
    const int index = core::find_point(sweep_.state, result.ref.point);
    if (is_only_evaluated(sweep_.plan.points[static_cast<std::size_t>(index)]))
      continue;  // it has no such files
    file_bytes_ += result.raw.size();
    files_.push_back({result_filename(sweep_.plan, index, result.node), std::move(result.raw),
                      std::move(pending_.processed[i]), result.ref});
    if (result.ref.attempt > 1) remove_superseded(directory_, sweep_.plan, sweep_.state, index);
  }
}

// One result in each round in which no message has arrived, so that no message waits longer than that.
void Driver::write_next_file() {
  if (received_ || files_.empty()) return;
  ResultFiles files = std::move(files_.front());
  files_.pop_front();
  complete_record(files.processed, sweep_.plan, sweep_.state, sweep_.facts, files.ref);
  file_bytes_ -= std::min(file_bytes_, files.raw.size());
  const auto done =
      write_result_files(directory_, files.name, files.raw, agg_text(files.processed.document), Sync::No);
  if (!done) console_.error_once(done.error().message + "; the result is stored in the journal");
}

void Driver::draw_status() {
  const auto due = console_.next_redraw();
  if (!due || (now() < *due && console_.shows_status())) return;
  console_.status(view::bar_line(sweep_.plan, sweep_.state, sweep_.facts, now(), console_.style()));
  console_.drawn(now());
}

// This process did not run for a while, so it cannot have received what the agents sent meanwhile.
void Driver::on_pause(Millis pause) {
  if (linger_until_) *linger_until_ += pause;
  if (give_up_at_) *give_up_at_ += pause;
  pending_.send_later(pending_.decide(core::Pause{pause}));
}

// The last agents get more time than one among many, so the user is told what the sweep waits for.
void Driver::note_silence() {
  const auto at = core::all_silent_at(sweep_.state);
  const bool silent = at && now() >= *at;
  if (std::exchange(silence_noted_, silent) || !silent) return;
  const core::Settings& settings = sweep_.state.settings;
  console_.line("no agent has sent a message for " + view::duration_text(settings.agent_timeout) +
                "; is the job suspended? The sweep waits for " +
                view::duration_text(settings.last_agent_timeout) + " in all (timeouts.away)");
}

// --- sending

void Driver::send(const core::Effect& effect) {
  if (const auto* welcome = std::get_if<core::SendWelcome>(&effect)) {
    const profile::Profile& profile = sweep_.plan.profile;
    send_to_agent(
        welcome->agent,
        wire::Welcome{sweep_.facts.sweep, sweep_.state.settings.pack_gpus, profile.heartbeat.count(),
                      profile.kill_grace.count(), profile.away.count(), profile.spool, asks_node(profile),
                      asks_gpus(sweep_.plan), profile.log_limit, kLogWindow, profile.artifact_limit});
  } else if (const auto* leased = std::get_if<core::SendLease>(&effect)) {
    const int index = core::find_point(sweep_.state, leased->ref.point);
    const core::AgentStatus& agent = sweep_.state.agents.at(leased->agent);
    wire::Lease lease = make_lease(sweep_.plan, index, leased->ref.attempt, agent.info.node);
    if (!lease.container.runtime.empty())
      lease.container.next = next_image(sweep_.plan, sweep_.state, index, agent);
    send_to_agent(leased->agent, lease);
  } else if (const auto* other = std::get_if<core::SendMessage>(&effect)) {
    wire::Message message = other->message;
    auto* drain = std::get_if<wire::Drain>(&message);
    if (drain != nullptr && journal_deleted_)
      drain->complete = false;  // the agent's status, and so srun's, is 1
    send_to_agent(other->agent, message);
  }
}

void Driver::send_to_agent(const std::string& agent, const wire::Message& message) {
  const std::string* peer = messages_->peer_of(agent);
  if (peer == nullptr || !socket_->send(*peer, message))
    log_.event(std::string(wire::type_name(message)) + " could not be sent to " + agent, now());
}

}  // namespace sweep
