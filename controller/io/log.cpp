#include "controller/io/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "util/os/clock.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::size_t kMostText = 600;
constexpr Millis kSlow{60'000};

// 20 faults at once, then one a second, and from the thousandth on one a minute.
Limited of_faults() {
  return {20, Millis(1'000), 1'000};
}

// Room for what ordinary sweeps have: some lines per agent and connection.
Limited of_news() {
  return {5'000, Millis(1'000), 20'000};
}

struct Words {
  const char *one, *many;
};

Words words_of(Fault kind) {
  switch (kind) {
    case Fault::Key:
      return {"connection with a wrong key refused", "connections with a wrong key refused"};
    case Fault::Handshake:
      return {"connection without a key refused", "connections without a key refused"};
    case Fault::Admission:
      return {"agent with the sweep's key not admitted", "agents with the sweep's key not admitted"};
    case Fault::Frame:
      return {"message that was none ignored", "messages that were none ignored"};
    case Fault::Version:
      return {"message of another protocol version ignored", "messages of another protocol version ignored"};
    case Fault::Order:
      return {"message that made no sense ignored", "messages that made no sense ignored"};
  }
  return {"fault", "faults"};
}

std::shared_ptr<spdlog::logger> make_logger(const std::string& path) {
  spdlog::sink_ptr sink;
  try {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_st>(path);
  } catch (const spdlog::spdlog_ex&) {
    sink = std::make_shared<spdlog::sinks::null_sink_st>();
  }
  auto logger = std::make_shared<spdlog::logger>("controller", std::move(sink));
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  logger->flush_on(spdlog::level::info);
  // A full disk is told of elsewhere; it must not end the sweep here.
  logger->set_error_handler([](const std::string&) {});
  return logger;
}

}  // namespace

bool Allowance::take(Instant now) {
  const Instant from = std::max(used_until_, now);
  if (from + each_ > now + at_once_ * each_) return false;
  used_until_ = from + each_;
  return true;
}

Limited::Verdict Limited::on_one(Instant now) {
  ++count_;
  if (!allowance_.take(now)) {
    ++left_out_;
    return {};
  }
  if (++written_ == most_) allowance_.slow_down(kSlow);
  return {true, std::exchange(left_out_, 0)};
}

Fault fault_of(wire::DecodeFault fault) {
  return fault == wire::DecodeFault::WrongVersion ? Fault::Version : Fault::Frame;
}

Log::Log(const std::string& path)
    : logger_(make_logger(path)),
      faults_{of_faults(), of_faults(), of_faults(), of_faults(), of_faults(), of_faults()},
      news_(of_news()) {}

void Log::info(const std::string& text) {
  logger_->info("{}", printable(text));
}

void Log::news(const std::string& text, Instant now) {
  write(news_, text, false, now);
}

void Log::fault(Fault kind, const std::string& text, Instant now) {
  write(faults_[static_cast<std::size_t>(kind)], text, true, now);
}

void Log::peer_fault(const std::string& text) {
  fault(Fault::Order, text, now());
}

void Log::write(Limited& lines, const std::string& text, bool warns, Instant now) {
  const auto verdict = lines.on_one(now);
  if (!verdict.write) return;
  const auto level = warns ? spdlog::level::warn : spdlog::level::info;
  if (verdict.left_out > 0) logger_->log(level, "{} more like the next were not logged", verdict.left_out);
  logger_->log(level, "{}", clipped(printable(text), kMostText));
}

std::uint64_t Log::faults() const {
  std::uint64_t sum = 0;
  for (const Limited& kind : faults_)
    sum += kind.count();
  return sum;
}

std::vector<std::string> Log::totals() {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < kFaults; ++i) {
    const std::uint64_t count = faults_[i].count(), left_out = faults_[i].left_out();
    if (count == 0) continue;
    const Words words = words_of(static_cast<Fault>(i));
    const std::string line = std::to_string(count) + " " + (count == 1 ? words.one : words.many);
    const std::string note =
        left_out > 0 ? " (the last " + std::to_string(left_out) + " were not logged)" : "";
    logger_->warn("{}{}", line, note);
    out.push_back(line);
  }
  return out;
}

}  // namespace sweep
