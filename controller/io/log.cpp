#include "controller/io/log.hpp"

#include <fcntl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "util/os/beneath.hpp"
#include "util/os/clock.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::size_t kMostText = 600;
constexpr Millis kSlow{60'000};

// 20 faults at once, then one per second, and after 1,000 lines one per minute.
LineLimiter limiter_of_faults() {
  return {20, Millis(1'000), 1'000};
}

// Ordinary sweeps have a few lines per agent and connection and stay below this.
LineLimiter limiter_of_events() {
  return {5'000, Millis(1'000), 20'000};
}

struct FaultText {
  const char *one, *many;
};

FaultText text_of(Fault kind) {
  switch (kind) {
    case Fault::Key:
      return {"connection with a wrong key refused", "connections with a wrong key refused"};
    case Fault::Handshake:
      return {"connection without a key refused", "connections without a key refused"};
    case Fault::Admission:
      return {"agent refused although it had the sweep's key",
              "agents refused although they had the sweep's key"};
    case Fault::Frame:
      return {"malformed message ignored", "malformed messages ignored"};
    case Fault::Version:
      return {"message of another protocol version ignored", "messages of another protocol version ignored"};
    case Fault::Order:
      return {"unexpected message ignored", "unexpected messages ignored"};
  }
  return {"fault", "faults"};
}

/// Writes lines to a descriptor, at once. spdlog's own sinks open files by name, and would follow a link or
/// wait for a FIFO. A full disk is reported by the journal; here it must not end the sweep.
class DescriptorSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit DescriptorSink(Fd fd) : fd_(std::move(fd)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!fd_.open()) return;
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    static_cast<void>(write_all(fd_.get(), {line.data(), line.size()}));
  }
  void flush_() override {}

 private:
  Fd fd_;
};

std::shared_ptr<spdlog::logger> make_logger(Fd fd) {
  auto logger =
      std::make_shared<spdlog::logger>("controller", std::make_shared<DescriptorSink>(std::move(fd)));
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  logger->set_error_handler([](const std::string&) {});
  return logger;
}

}  // namespace

bool TokenBucket::take(Instant now) {
  const Instant from = std::max(used_until_, now);
  if (from + interval_ > now + burst_ * interval_) return false;
  used_until_ = from + interval_;
  return true;
}

LineLimiter::Verdict LineLimiter::count_line(Instant now) {
  ++count_;
  if (!bucket_.take(now)) {
    ++omitted_;
    return {};
  }
  if (++written_ == most_) bucket_.slow_down(kSlow);
  return {true, std::exchange(omitted_, 0)};
}

Fault fault_of(wire::DecodeFault fault) {
  return fault == wire::DecodeFault::WrongVersion ? Fault::Version : Fault::Frame;
}

Log::Log(const std::string& root, const std::string& path)
    : faults_{limiter_of_faults(), limiter_of_faults(), limiter_of_faults(),
              limiter_of_faults(), limiter_of_faults(), limiter_of_faults()},
      events_(limiter_of_events()) {
  auto fd = open_beneath(root, path, O_WRONLY | O_CREAT | O_APPEND);
  if (!fd) problem_ = fd.error().message;
  logger_ = make_logger(fd ? std::move(*fd) : Fd());
}

void Log::info(const std::string& text) {
  logger_->info("{}", printable(text));
}

void Log::event(const std::string& text, Instant now) {
  write(events_, text, false, now);
}

void Log::fault(Fault kind, const std::string& text, Instant now) {
  write(faults_[static_cast<std::size_t>(kind)], text, true, now);
}

void Log::peer_fault(const std::string& text) {
  fault(Fault::Order, text, now());
}

void Log::write(LineLimiter& limiter, const std::string& text, bool warns, Instant now) {
  const auto verdict = limiter.count_line(now);
  if (!verdict.write) return;
  const auto level = warns ? spdlog::level::warn : spdlog::level::info;
  if (verdict.omitted > 0)
    logger_->log(level, "{} more lines like the next were not logged", verdict.omitted);
  logger_->log(level, "{}", clipped(printable(text), kMostText));
}

std::uint64_t Log::faults() const {
  std::uint64_t sum = 0;
  for (const LineLimiter& kind : faults_)
    sum += kind.count();
  return sum;
}

std::vector<std::string> Log::totals() {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < kFaults; ++i) {
    const std::uint64_t count = faults_[i].count(), omitted = faults_[i].omitted();
    if (count == 0) continue;
    const FaultText text = text_of(static_cast<Fault>(i));
    const std::string line = std::to_string(count) + " " + (count == 1 ? text.one : text.many);
    const std::string note = omitted > 0 ? " (the last " + std::to_string(omitted) + " were not logged)" : "";
    logger_->warn("{}{}", line, note);
    out.push_back(line);
  }
  return out;
}

}  // namespace sweep
