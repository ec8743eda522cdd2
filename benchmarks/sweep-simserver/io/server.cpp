#include "benchmarks/sweep-simserver/io/server.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "benchmarks/monotonic_clock.hpp"
#include "benchmarks/sweep-simserver/io/connection.hpp"

namespace sweep::sim_server {

namespace {

using boost::asio::ip::tcp;
using Code = boost::system::error_code;

constexpr int kBacklog = 4096;
constexpr std::size_t kScratchBytes = 256 * 1024;

void log(const std::string& line) {
  std::fprintf(stderr, "%s\n", line.c_str());
}

// Aborts the process, which looks like a crash of an engine from outside. Writes no core file.
[[noreturn]] void crash(std::uint64_t answers) {
  log("sweep-simserver: simulated crash after " + std::to_string(answers) +
      " responses (--fault crash-after)");
  const rlimit none{};
  ::setrlimit(RLIMIT_CORE, &none);
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

Expected<tcp::endpoint> resolve(boost::asio::io_context& loop, const std::string& host, std::uint16_t port) {
  tcp::resolver resolver(loop);
  Code code;
  const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, code);
  if (code || found.empty())
    return fail("cannot listen on '" + host + "': " + code.message() +
                "; give an address of this machine with --host");
  return found.begin()->endpoint();
}

}  // namespace

Server::Server(boost::asio::io_context& loop, const Settings& settings, std::unique_ptr<Timeline> timeline,
               Served served)
    : loop_(loop),
      settings_(settings),
      timeline_(std::move(timeline)),
      served_(std::move(served)),
      acceptor_(loop),
      pace_timer_(loop),
      accept_timer_(loop),
      scratch_(kScratchBytes) {}

Server::~Server() = default;

Expected<void> Server::listen() {
  SWEEP_ASSIGN(const auto endpoint, resolve(loop_, settings_.host, settings_.port));
  Code code;
  acceptor_.open(endpoint.protocol(), code);
  if (!code) acceptor_.set_option(tcp::acceptor::reuse_address(true), code);
  if (!code) acceptor_.bind(endpoint, code);
  if (!code) acceptor_.listen(kBacklog, code);
  if (!code) acceptor_.non_blocking(true, code);
  if (!code) return {};
  const std::string remedy =
      code == boost::asio::error::address_in_use ? "; give another port with --port (0: any free port)" : "";
  return fail("cannot listen on " + settings_.host + ":" + std::to_string(settings_.port) + ": " +
              code.message() + remedy);
}

std::string Server::url() const {
  const tcp::endpoint endpoint = acceptor_.local_endpoint();
  const std::string host =
      settings_.host.find(':') != std::string::npos ? "[" + settings_.host + "]" : settings_.host;
  return "http://" + host + ":" + std::to_string(endpoint.port());
}

void Server::start() {
  origin_ = std::chrono::steady_clock::now();
  accept();
}

void Server::set_ready(bool ready) {
  if (served_.ready == ready) return;
  served_.ready = ready;
  if (ready) log("Application startup complete. (simulated)");
}

std::uint64_t Server::next_number() {
  const std::uint64_t number = requests_++;
  const auto& die_after = settings_.faults.die_after_requests;
  if (die_after && requests_ >= *die_after) {
    log("sweep-simserver: simulated kill at request " + std::to_string(requests_) +
        " (--fault die-after-requests)");
    std::raise(SIGKILL);
  }
  return number;
}

void Server::stop() {
  stopped_ = true;
  Code ignored;
  acceptor_.close(ignored);
  pace_timer_.cancel();
  accept_timer_.cancel();
  const auto all = connections_;
  for (const auto& connection : all)
    connection->close();
}

std::string Server::report() const {
  if (router_ != nullptr)
    return "simulated: " + std::to_string(requests_) + " requests, " + std::to_string(answers_) + " answered";
  char delay[32];
  std::snprintf(delay, sizeof delay, "%.3f", std::chrono::duration<double, std::milli>(max_delay_).count());
  return "simulated: " + std::to_string(requests_) + " requests, " + std::to_string(answers_) +
         " answered, " + std::to_string(tokens_) + " tokens; at most " + delay +
         " ms behind the simulated clock";
}

void Server::accept() {
  if (accepting_ || stopped_) return;
  accepting_ = true;
  acceptor_.async_accept([this](Code code, tcp::socket socket) {
    accepting_ = false;
    if (stopped_) return;
    if (code && code != boost::asio::error::connection_aborted) return accept_failed(code);
    if (!code) {
      const auto connection = std::make_shared<Connection>(std::move(socket), *this);
      connections_.insert(connection);
      connection->start();
    }
    accept();
  });
}

// The system has no descriptor or memory for a connection. The next one is accepted when one closes, or after a
// second; until then, connections wait in the kernel's queue.
void Server::accept_failed(const Code& code) {
  constexpr std::chrono::seconds kPause{1};
  const bool descriptors = code == boost::asio::error::no_descriptors;
  if (!failure_logged_)
    log("sweep-simserver: cannot accept a connection: " + code.message() +
        (descriptors ? "; raise the limit (ulimit -n)" : ""));
  failure_logged_ = true;
  accept_timer_.expires_after(kPause);
  accept_timer_.async_wait([this](Code waited) {
    if (!waited) accept();
  });
}

void Server::connection_closed(const std::shared_ptr<Connection>& connection) {
  connections_.erase(connection);
  accept();
}

// --- the timeline

Time Server::virtual_now() const {
  const std::chrono::duration<double, std::nano> passed = std::chrono::steady_clock::now() - origin_;
  return Time(std::llround(passed.count() * settings_.time_scale));
}

std::chrono::steady_clock::time_point Server::real_time(Time at) const {
  const double passed = static_cast<double>(at.count()) / settings_.time_scale;
  return origin_ + std::chrono::nanoseconds(static_cast<std::int64_t>(std::ceil(passed)));
}

void Server::arm_timer() {
  const std::optional<Time> next = timeline_->next_time();
  if (!next || (armed_for_ && *armed_for_ <= *next)) return;
  armed_for_ = next;
  pace_timer_.expires_at(real_time(*next));
  pace_timer_.async_wait([this](Code code) {
    if (code) return;
    armed_for_.reset();
    deliver_due_tokens();
  });
}

void Server::deliver_due_tokens() {
  events_.clear();
  timeline_->advance(virtual_now(), events_);
  if (!events_.empty())
    max_delay_ = std::max(max_delay_, std::chrono::nanoseconds(std::chrono::steady_clock::now() -
                                                               real_time(events_.front().at)));
  for (const TokenEvent& event : events_) {
    const auto at = sequences_.find(event.id);
    if (at == sequences_.end()) continue;
    Recipient& recipient = at->second;
    if (recipient.connection->add_token({recipient.choice, event.index, event.last}))
      pending_delivery_.push_back(recipient.connection);
    if (event.last) sequences_.erase(at);
  }
  for (const auto& connection : pending_delivery_)
    connection->deliver();
  pending_delivery_.clear();
  arm_timer();
}

Expected<std::vector<std::uint64_t>> Server::submit(const std::shared_ptr<Connection>& connection,
                                                    const Generation& generation) {
  std::vector<std::uint64_t> ids;
  if (!timeline_) return ids;
  const Time now = virtual_now();
  for (std::size_t choice = 0; choice < generation.prompts.size(); ++choice) {
    const std::uint64_t id = next_id_++;
    const auto taken = timeline_->submit({.id = id,
                                          .prompt_tokens = generation.prompts[choice],
                                          .output_tokens = generation.max_tokens,
                                          .prefilled = settings_.role == Role::Decode},
                                         now);
    if (!taken) {
      cancel(ids);
      return tl::unexpected(taken.error());
    }
    sequences_[id] = {connection, choice};
    ids.push_back(id);
  }
  arm_timer();
  return ids;
}

void Server::cancel(const std::vector<std::uint64_t>& ids) {
  for (const std::uint64_t id : ids) {
    if (sequences_.erase(id) > 0) timeline_->cancel(id);
  }
}

void Server::answered(std::uint64_t tokens) {
  ++answers_;
  tokens_ += tokens;
  if (settings_.faults.crash_after && answers_ >= *settings_.faults.crash_after) crash(answers_);
}

}  // namespace sweep::sim_server
