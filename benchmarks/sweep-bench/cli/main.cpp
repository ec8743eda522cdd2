// sweep-bench: measures an OpenAI-compatible server. core/metrics.hpp defines the reported numbers;
// io/engine.hpp describes how requests are sent.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <exception>

#include "benchmarks/monotonic_clock.hpp"
#include "benchmarks/progress_line.hpp"
#include "benchmarks/sweep-bench/cli/command_line.hpp"
#include "benchmarks/sweep-bench/cli/summary.hpp"
#include "benchmarks/sweep-bench/io/engine.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/os/queued_writer.hpp"

namespace sweep::client {
namespace {

constexpr int kSignalled = 128;

void print_line(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

/// A progress bar on a terminal. It never waits for the terminal or pipe, because the thread that shows it
/// also sends requests. Otherwise prints a line whenever the percentage changes, which agents parse
/// and people can read.
class ProgressBar {
 public:
  explicit ProgressBar(bool quiet)
      : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1), start_(bench::monotonic_ns()) {}
  void show(std::size_t done, std::size_t total) {
    if (quiet_ || total == 0) return;
    const std::size_t percent = done * 100 / total;
    if (!terminal_ && shown_ && percent == last_) return;
    const double seconds = static_cast<double>(bench::monotonic_ns() - start_) * 1e-9;
    const std::string text = bench::progress_line(done, total, seconds);
    writer_.write(terminal_ ? "\r" + text + "\x1b[K" : text + "\n");
    shown_ = true;
    last_ = percent;
  }
  void end() {
    constexpr Millis kPatience{2'000};
    if (terminal_ && shown_) writer_.write("\n");
    static_cast<void>(writer_.flush(kPatience));
  }

 private:
  bool quiet_, terminal_, shown_ = false;
  std::size_t last_ = 0;
  Nanos start_;
  QueuedWriter writer_{STDERR_FILENO};
};

std::string local_date(std::time_t now) {
  std::tm parts{};
  ::localtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &parts);
  return text;
}

double unix_seconds() {
  return static_cast<double>(bench::clock_ns(CLOCK_REALTIME)) * 1e-9;
}

/// One run, from the test request to the exit status.
class Run {
 public:
  Run(const Setup& setup, Target target)
      : setup_(setup), target_(std::move(target)), plan_(make_plan(setup.options)) {}

  int execute() {
    if (const auto status = run_test_request()) return *status;
    if (const auto status = warm_up()) return *status;
    return measure_and_report();
  }

 private:
  RunResult send_requests(std::span<const PlannedRequest> requests, std::size_t concurrency,
                          const Progress& progress) {
    return run_requests(setup_, target_, *prompts_, requests, concurrency, progress);
  }

  /// Sends one request to check that the server works. Returns the exit status if it does not. Switches from
  /// token ids to text if the server rejects ids.
  std::optional<int> run_test_request() {
    print_line("Starting initial single prompt test run...");
    as_text_ = setup_.api == Api::Chat || setup_.options.prompt_format == PromptFormat::Text;
    for (;;) {
      prompts_.emplace(setup_, plan_, as_text_);
      const RunResult result = send_requests({plan_.warmups.data(), 1}, 1, [](std::size_t, std::size_t) {});
      if (result.signal != 0) return kSignalled + result.signal;
      const RequestRecord& record = result.records[0];
      if (!record.failure) return std::nullopt;
      const bool rejects_ids = record.status == 400 || record.status == 422;
      if (!as_text_ && rejects_ids && setup_.options.prompt_format == PromptFormat::Auto) {
        as_text_ = true;
        print_line("The server does not accept token ids (" + record.error + "); sending prompts as text");
        continue;
      }
      print_error(
          "the test run failed: " + std::string(kFailureWords[static_cast<std::size_t>(*record.failure)]) +
          ": " + record.error + "; check --base-url, --endpoint and --model, and the server's log");
      return 1;
    }
  }

  std::optional<int> warm_up() {
    const std::span<const PlannedRequest> warmups = std::span(plan_.warmups).subspan(1);
    if (warmups.empty()) return std::nullopt;
    print_line("Warming up with " + std::to_string(warmups.size()) + " requests...");
    const RunResult result = send_requests(warmups, max_concurrent(setup_.options, warmups.size()),
                                           [](std::size_t, std::size_t) {});
    if (result.signal != 0) return kSignalled + result.signal;
    return std::nullopt;
  }

  int measure_and_report() {
    print_line("Starting main benchmark run...");
    RunFacts facts;
    facts.prompt_format = as_text_ ? "text" : "ids";
    facts.start_unix = unix_seconds();
    facts.date = local_date(static_cast<std::time_t>(facts.start_unix));
    ProgressBar bar(setup_.options.quiet);
    const RunResult result =
        send_requests(plan_.requests, max_concurrent(setup_.options, plan_.requests.size()),
                      [&](std::size_t done, std::size_t total) { bar.show(done, total); });
    facts.end_unix = unix_seconds();
    if (result.signal != 0) {
      bar.end();
      print_error("interrupted by a signal; no result written");
      return kSignalled + result.signal;
    }
    bar.show(plan_.requests.size(), plan_.requests.size());
    bar.end();
    const Metrics metrics = measure(setup_, plan_, result.records, result.begin, result.end);
    print_line(format_summary(setup_, metrics, result.client, result.records));
    return write(facts, metrics, result);
  }

  int write(const RunFacts& facts, const Metrics& metrics, const RunResult& result) {
    constexpr unsigned kMode = 0644;
    if (setup_.options.save_result || setup_.options.save_detailed) {
      const auto json = result_json(setup_, facts, metrics, result.client, result.records);
      const std::string path = result_path(setup_, facts.date);
      const std::string text = json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
      if (const auto written = write_file_atomic(path, text, kMode, Sync::No); !written) {
        print_error(written.error().message);
        return 1;
      }
    }
    if (failure_ratio(metrics) <= kMaxFailureRatio) return 0;
    print_error(std::to_string(metrics.failed) + " of " + std::to_string(metrics.failed + metrics.completed) +
                " requests failed, more than 5 %; the run counts as failed");
    return 1;
  }

  const Setup& setup_;
  Target target_;
  Plan plan_;
  std::optional<Prompts> prompts_;
  bool as_text_ = false;
};

int run(const Setup& setup) {
  std::signal(SIGPIPE, SIG_IGN);
  for (const std::string& note : setup.notes)
    print_line(note);
  const auto count = static_cast<std::size_t>(setup.options.num_prompts);
  if (const auto raised = raise_file_limit(max_concurrent(setup.options, count)); !raised) {
    print_error(raised.error().message);
    return 1;
  }
  auto target = resolve_target(setup);
  if (!target) {
    print_error(target.error().message);
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
    sweep::client::print_error("internal error: " + std::string(error.what()));
    return 1;
  }
}
