// sweep-bench: measures an OpenAI-compatible server. What a number means: core/metrics.hpp; how requests are
// sent: io/engine.hpp.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>

#include "benchmarks/stats.hpp"
#include "benchmarks/sweep-bench/cli/command_line.hpp"
#include "benchmarks/sweep-bench/cli/summary.hpp"
#include "benchmarks/sweep-bench/io/engine.hpp"
#include "benchmarks/sweep-bench/io/mono.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"

namespace sweep::client {
namespace {

constexpr int kSignalled = 128;

void tell(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

/// A bar on a terminal; elsewhere a line whenever the percentage has changed, which agents and people read
/// alike.
class Bar {
 public:
  explicit Bar(bool quiet) : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1), start_(mono_now()) {}
  void show(std::size_t done, std::size_t total) {
    if (quiet_ || total == 0) return;
    const std::size_t percent = done * 100 / total;
    if (!terminal_ && shown_ && percent == last_) return;
    const double seconds = static_cast<double>(mono_now() - start_) * 1e-9;
    const std::string text = bench::progress_line(done, total, seconds);
    std::fprintf(stderr, terminal_ ? "\r%s\x1b[K" : "%s\n", text.c_str());
    shown_ = true;
    last_ = percent;
  }
  void end() {
    if (terminal_ && shown_) std::fputc('\n', stderr);
  }

 private:
  bool quiet_, terminal_, shown_ = false;
  std::size_t last_ = 0;
  Nanos start_;
};

std::string local_date(std::time_t now) {
  std::tm parts{};
  ::localtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &parts);
  return text;
}

double unix_seconds() {
  return static_cast<double>(read_clock(CLOCK_REALTIME)) * 1e-9;
}

/// All of a run, from the first request to the exit status.
class Run {
 public:
  Run(const Setup& setup, Target target)
      : setup_(setup), target_(std::move(target)), plan_(make_plan(setup.options)) {}

  int execute() {
    if (const auto status = try_once()) return *status;
    if (const auto status = warm_up()) return *status;
    return measure_and_report();
  }

 private:
  RunResult send(std::span<const PlannedRequest> requests, std::size_t concurrency,
                 const Progress& progress) {
    return run_requests(setup_, target_, *prompts_, requests, concurrency, progress);
  }

  /// One request, to see whether it works; the exit status where it does not.
  std::optional<int> try_once() {
    tell("Starting initial single prompt test run...");
    text_ = setup_.api == Api::Chat || setup_.options.prompt_format == PromptFormat::Text;
    for (;;) {
      prompts_.emplace(setup_, plan_, text_);
      const RunResult result = send({plan_.warmups.data(), 1}, 1, [](std::size_t, std::size_t) {});
      if (result.signal != 0) return kSignalled + result.signal;
      const RequestRecord& record = result.records[0];
      if (!record.failure) return std::nullopt;
      const bool takes_no_ids = record.status == 400 || record.status == 422;
      if (!text_ && takes_no_ids && setup_.options.prompt_format == PromptFormat::Auto) {
        text_ = true;
        tell("The server does not take token ids (" + record.error + "); prompts are sent as text");
        continue;
      }
      say("the test run failed: " + std::string(kFailureWords[static_cast<std::size_t>(*record.failure)]) +
          ": " + record.error + "; check --base-url, --endpoint and --model, and the server's log");
      return 1;
    }
  }

  std::optional<int> warm_up() {
    const std::span<const PlannedRequest> warmups = std::span(plan_.warmups).subspan(1);
    if (warmups.empty()) return std::nullopt;
    tell("Warming up with " + std::to_string(warmups.size()) + " requests...");
    const RunResult result =
        send(warmups, slots_of(setup_.options, warmups.size()), [](std::size_t, std::size_t) {});
    if (result.signal != 0) return kSignalled + result.signal;
    return std::nullopt;
  }

  int measure_and_report() {
    tell("Starting main benchmark run...");
    RunFacts facts;
    facts.prompt_format = text_ ? "text" : "ids";
    facts.start_unix = unix_seconds();
    facts.date = local_date(static_cast<std::time_t>(facts.start_unix));
    Bar bar(setup_.options.quiet);
    const RunResult result = send(plan_.requests, slots_of(setup_.options, plan_.requests.size()),
                                  [&](std::size_t done, std::size_t total) { bar.show(done, total); });
    facts.end_unix = unix_seconds();
    if (result.signal != 0) {
      bar.end();
      say("ended by a signal; no result is written");
      return kSignalled + result.signal;
    }
    bar.show(plan_.requests.size(), plan_.requests.size());
    bar.end();
    const Metrics metrics = measure(setup_, plan_, result.records, result.begin, result.end);
    tell(summary(setup_, metrics, result.client, result.records));
    return write(facts, metrics, result);
  }

  int write(const RunFacts& facts, const Metrics& metrics, const RunResult& result) {
    constexpr unsigned kMode = 0644;
    if (setup_.options.save_result || setup_.options.save_detailed) {
      const auto json = result_json(setup_, facts, metrics, result.client, result.records);
      const std::string path = result_path(setup_, facts.date);
      const std::string text = json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
      if (const auto written = write_file_atomic(path, text, kMode, Sync::No); !written) {
        say(written.error().message);
        return 1;
      }
    }
    if (failure_ratio(metrics) <= kMostFailures) return 0;
    say(std::to_string(metrics.failed) + " of " + std::to_string(metrics.failed + metrics.completed) +
        " requests failed, more than 5 %: the result counts as failed");
    return 1;
  }

  const Setup& setup_;
  Target target_;
  Plan plan_;
  std::optional<Prompts> prompts_;
  bool text_ = false;
};

int run(const Setup& setup) {
  std::signal(SIGPIPE, SIG_IGN);
  for (const std::string& note : setup.notes)
    tell(note);
  const auto count = static_cast<std::size_t>(setup.options.num_prompts);
  if (const auto room = make_room_for(slots_of(setup.options, count)); !room) {
    say(room.error().message);
    return 1;
  }
  auto target = find_target(setup);
  if (!target) {
    say(target.error().message);
    return 1;
  }
  return Run(setup, std::move(*target)).execute();
}

}  // namespace
}  // namespace sweep::client

int main(int argc, char** argv) {
  try {
    const auto line = sweep::client::read_command_line({argv + 1, argv + argc});
    return line.setup ? sweep::client::run(*line.setup) : line.status;
  } catch (const std::exception& error) {
    sweep::client::say("internal error: " + std::string(error.what()));
    return 1;
  }
}
