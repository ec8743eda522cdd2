// sweep-bench: measures an OpenAI-compatible server. core/metrics.hpp defines the reported numbers;
// io/engine.hpp describes how requests are sent.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <exception>

#include "benchmarks/monotonic_clock.hpp"
#include "benchmarks/progress_line.hpp"
#include "benchmarks/sweep-bench/cli/command_line.hpp"
#include "benchmarks/sweep-bench/cli/summary.hpp"
#include "benchmarks/sweep-bench/core/readiness.hpp"
#include "benchmarks/sweep-bench/io/clock.hpp"
#include "benchmarks/sweep-bench/io/engine.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/os/output_file.hpp"
#include "util/os/queued_writer.hpp"
#include "util/os/signals.hpp"
#include "util/os/standard_streams.hpp"

namespace sweep::client {
namespace {

constexpr int kSignalled = 128;

int output_error = 0;  // errno of the first line that could not be printed; 0 if there is none

void print_line(const std::string& text) {
  std::printf("%s\n", text.c_str());
  if (std::fflush(stdout) != 0 && output_error == 0) output_error = errno;
}

// Returns the exit status of a run that ended with `status`: 1 if its lines could not be printed. A closed
// pipe is not an error: `sweep-bench … | head`.
int with_output(int status) {
  if (status != 0 || output_error == 0 || output_error == EPIPE) return status;
  print_error("cannot write to standard output: " + errno_text(output_error));
  return 1;
}

std::string failure_text(const RequestRecord& record) {
  return std::string(kFailureWords[static_cast<std::size_t>(*record.failure)]) + ": " + record.error;
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

int interrupted(int signal) {
  print_error("interrupted by a signal; no result written");
  return kSignalled + signal;
}

/// One run, from the test request to the exit status.
class Run {
 public:
  explicit Run(const Setup& setup)
      : setup_(setup), plan_(make_plan(setup.options)), started_(bench::monotonic_ns()) {}

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

  /// Sends one request to check that the server works, again and again while it is still loading. Returns the
  /// exit status if it does not work. Switches from token ids to text if the server rejects ids.
  std::optional<int> run_test_request() {
    print_line("Starting initial single prompt test run...");
    as_text_ = setup_.api == Api::Chat || setup_.options.prompt_format == PromptFormat::Text;
    for (;;) {
      // Resolved each time, because the address that accepts a connection is not known before one does.
      auto target = resolve_target(setup_);
      if (!target) {
        print_error(target.error().message);
        return 1;
      }
      target_ = std::move(*target);
      prompts_.emplace(setup_, plan_, as_text_);
      const RunResult result = send_requests({plan_.warmups.data(), 1}, 1, [](std::size_t, std::size_t) {});
      if (result.signal != 0) return interrupted(result.signal);
      const RequestRecord& record = result.records[0];
      if (!record.failure) return std::nullopt;
      const bool rejects_ids = record.status == 400 || record.status == 422;
      if (!as_text_ && rejects_ids && setup_.options.prompt_format == PromptFormat::Auto) {
        as_text_ = true;
        print_line("The server does not accept token ids (" + record.error + "); sending prompts as text");
        continue;
      }
      if (const auto status = wait_or_give_up(record)) return status;
    }
  }

  /// Waits a moment if the server may become ready within --ready-timeout. Returns the exit status if not.
  std::optional<int> wait_or_give_up(const RequestRecord& record) {
    constexpr double kBetweenTries = 1;  // seconds; a server offers no event for being ready
    const double limit = setup_.options.ready_timeout;
    const double left = limit - static_cast<double>(bench::monotonic_ns() - started_) * 1e-9;
    const std::string seconds = seconds_text(limit);
    if (may_be_loading(record) && left > 0) {
      const int signal = wait_seconds(std::min(left, kBetweenTries), [&] {
        if (!waiting_)
          print_line("The server is not ready (" + failure_text(record) + "); waiting up to " + seconds +
                     " for it");
        waiting_ = true;
      });
      return signal == 0 ? std::nullopt : std::optional(interrupted(signal));
    }
    print_error("the test run failed: " + failure_text(record) +
                (waiting_ ? "; not ready within " + seconds : "") + "; " + remedy(record));
    return 1;
  }

  std::string remedy(const RequestRecord& record) const {
    const int status = record.status;
    if (status == 401 || status == 403) return "set OPENAI_API_KEY to a key that the server accepts";
    if (status == 500 && !as_text_)
      return "check the server's log; if the server does not accept token ids, give --prompt-format text";
    const std::string checks = "check --base-url, --endpoint and --model, and the server's log";
    if (may_be_loading(record) && setup_.options.ready_timeout == 0)
      return checks + ", or wait for a server that is loading with --ready-timeout 600";
    return checks;
  }

  std::optional<int> warm_up() {
    const std::span<const PlannedRequest> warmups = std::span(plan_.warmups).subspan(1);
    if (warmups.empty()) return std::nullopt;
    print_line("Warming up with " + std::to_string(warmups.size()) + " requests...");
    const RunResult result = send_requests(warmups, max_concurrent(setup_.options, warmups.size()),
                                           [](std::size_t, std::size_t) {});
    if (result.signal != 0) return interrupted(result.signal);
    const auto has_failed = [](const RequestRecord& record) { return record.failure.has_value(); };
    const auto failed = std::count_if(result.records.begin(), result.records.end(), has_failed);
    if (failed > 0)
      print_line(std::to_string(failed) + " of " + std::to_string(warmups.size()) +
                 " warm-up requests failed; first: " +
                 failure_text(*std::find_if(result.records.begin(), result.records.end(), has_failed)));
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
      return interrupted(result.signal);
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
      if (const auto written = write_output_file(path, text, kMode, Sync::No); !written) {
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
  Nanos started_;
  bool as_text_ = false, waiting_ = false;
};

/// Checks what is needed at the end of the run, before anything is sent.
Expected<void> check_needs(const Setup& setup, const std::string& result) {
  const auto count = static_cast<std::size_t>(setup.options.num_prompts);
  SWEEP_TRY(raise_file_limit(max_concurrent(setup.options, count)));
  if (result.empty()) return {};
  return check_output_file(result);
}

/// Returns the result file's descriptor if it is a FIFO, whose reader may be started at the same time as this
/// program and is waited for. Returns an error if no process reads it within a few seconds.
Expected<Fd> hold_result(const std::string& result) {
  constexpr double kBetweenTries = 0.05;  // seconds; a FIFO offers no event for being read
  constexpr int kTries = 60;
  if (result.empty()) return Fd();
  for (int i = 1;; ++i) {
    auto held = hold_fifo(result);
    if (held || i == kTries || wait_seconds(kBetweenTries, [] {}) != 0) return held;
  }
}

int run(const Setup& setup) {
  set_standard_dispositions();
  for (const std::string& note : setup.notes)
    print_line(note);
  const bool saves = setup.options.save_result || setup.options.save_detailed;
  const std::string result = saves ? result_path(setup, local_date(std::time(nullptr))) : "";
  if (const auto good = check_needs(setup, result); !good) {
    print_error(good.error().message);
    return 1;
  }
  const auto held = hold_result(result);
  if (!held) {
    print_error(held.error().message);
    return 1;
  }
  return with_output(Run(setup).execute());
}

}  // namespace
}  // namespace sweep::client

int main(int argc, char** argv) {
  sweep::open_standard_streams();
  try {
    const auto line = sweep::client::read_command_line({argv + 1, argv + argc});
    return line.setup ? sweep::client::run(*line.setup) : line.status;
  } catch (const std::exception& error) {
    sweep::client::print_error("internal error: " + std::string(error.what()));
    return 1;
  }
}
