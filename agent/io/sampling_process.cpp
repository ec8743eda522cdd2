#include "agent/io/sampling_process.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <map>

#include "agent/core/gpu_report.hpp"
#include "agent/core/gpus.hpp"
#include "agent/io/machine.hpp"
#include "agent/io/nvml.hpp"
#include "proto/net/event_loop.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::int64_t kShortest = 20, kLongest = 3'600'000;  // of intervals, in ms

Expected<Millis> millis_in(const std::string& word, std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (code != std::errc() || end != word.data() + word.size() || value < least || value > most) {
    return fail("--telemetry: '" + printable(word) + "' is not a number of milliseconds from " +
                std::to_string(least) + " to " + std::to_string(most));
  }
  return Millis(value);
}

// Returns false if the reader of the output is gone.
bool put(std::string_view lines) {
  return write_all(STDOUT_FILENO, lines) == 0;
}

class Sampling {
 public:
  Sampling(const SamplerSettings& settings, Nvml nvml) : settings_(settings), nvml_(std::move(nvml)) {}

  /// Returns false if none of the GPUs is known to NVML; problem() is the reason then.
  bool write_facts() {
    NvmlFacts facts;
    facts.driver = nvml_.driver_version();
    for (const std::string& gpu : settings_.gpus)
      facts.gpus.push_back(nvml_.facts(gpu));
    has_reader_ = put(to_line(facts));
    for (const GpuFacts& gpu : facts.gpus) {
      if (gpu.problem.empty()) return true;
      problem_ = "GPU " + gpu.gpu + ": " + gpu.problem;
    }
    return false;
  }
  const std::string& problem() const { return problem_; }

  void run() {
    EventLoop loop;  // serves for waiting; also wakes up when the reader goes away
    struct stat info {};
    if (::fstat(STDOUT_FILENO, &info) == 0 && S_ISFIFO(info.st_mode))
      loop.watch(STDOUT_FILENO, [this] { has_reader_ = false; });
    Instant next = now();
    while (has_reader_) {
      sample();
      next = std::max(next + settings_.every, now());  // missed samples are not made up for
      while (has_reader_ && now() < next)
        loop.step(next);
    }
  }

 private:
  void sample() {
    std::string lines;
    for (const std::string& gpu : settings_.gpus) {
      const Millis steady =
          std::chrono::duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch());
      auto sample = nvml_.read(gpu, Instant(steady + settings_.clock_offset));
      std::string& problem = problems_[gpu];
      if (sample) {
        lines += to_line(std::move(*sample));
        problem.clear();
      } else if (problem != sample.error().message) {
        problem = sample.error().message;
        lines += to_line(GpuProblem{gpu, problem});
      }
    }
    // At least one line per round, because a silent process is taken for one that hangs.
    if (lines.empty()) lines = to_line(GpuProblem{settings_.gpus.front(), problems_[settings_.gpus.front()]});
    if (has_reader_) has_reader_ = put(lines);
  }

  SamplerSettings settings_;
  Nvml nvml_;
  std::map<std::string, std::string> problems_;  // the last reported problem of each GPU
  std::string problem_;
  bool has_reader_ = true;
};

int nothing_to_measure(const std::string& why) {
  put(to_line(TelemetryOff{why, true}));
  return 0;
}

}  // namespace

Millis clock_offset() {
  using std::chrono::duration_cast;
  return now().time_since_epoch() -
         duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch());
}

Expected<SamplerSettings> parse_sampler_settings(const std::vector<std::string>& words,
                                                 const std::vector<std::string>& environment) {
  SamplerSettings settings;
  settings.clock_offset = clock_offset();
  if (words.size() > 3)
    return fail("--telemetry takes at most three arguments: GPU,… EVERY_MS CLOCK_OFFSET_MS");
  if (words.empty()) {
    settings.gpus = nvidia_gpus(find_gpus(environment, device_names()));
  } else {
    for (std::string& gpu : split(words[0], ',')) {
      if (!gpu.empty()) settings.gpus.push_back(std::move(gpu));
    }
  }
  if (words.size() > 1) {
    SWEEP_ASSIGN(const auto every, millis_in(words[1], kShortest, kLongest));
    settings.every = every;
  }
  if (words.size() > 2) {
    SWEEP_ASSIGN(const auto offset, millis_in(words[2], -(std::int64_t{1} << 50), std::int64_t{1} << 50));
    settings.clock_offset = offset;
  }
  return settings;
}

int sample_gpus(const SamplerSettings& settings) {
  // Slurm also sends its warnings to the step (srun --signal) to this process, which ignores them.
  for (const int signal : {SIGPIPE, SIGHUP, SIGINT, SIGUSR1, SIGUSR2})
    std::signal(signal, SIG_IGN);
  if (settings.gpus.empty()) return nothing_to_measure("there are no GPUs to sample");
  auto nvml = settings.library.empty() ? Nvml::open() : Nvml::open(settings.library);
  if (!nvml) return nothing_to_measure(nvml.error().message);
  Sampling sampling(settings, std::move(*nvml));
  if (!sampling.write_facts()) return nothing_to_measure(sampling.problem());
  sampling.run();
  return 0;
}

}  // namespace sweep::agent
