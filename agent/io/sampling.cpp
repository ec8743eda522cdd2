// The sampling process: `sweep-agent --telemetry`. Rules: sampler.hpp.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <map>

#include "agent/core/gpus.hpp"
#include "agent/io/machine.hpp"
#include "agent/io/nvml.hpp"
#include "agent/io/sampler.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::int64_t kShortest = 20, kLongest = 3'600'000;  // of intervals, ms

Expected<Millis> millis_in(const std::string& word, std::int64_t least, std::int64_t most) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (code != std::errc() || end != word.data() + word.size() || value < least || value > most) {
    return fail("--telemetry: '" + printable(word) + "' is no number of milliseconds from " +
                std::to_string(least) + " to " + std::to_string(most));
  }
  return Millis(value);
}

// False when the reader is gone.
bool put(std::string_view lines) {
  return write_all(STDOUT_FILENO, lines) == 0;
}

class Sampling {
 public:
  Sampling(const SamplerSettings& settings, Nvml nvml) : settings_(settings), nvml_(std::move(nvml)) {}

  /// False: none of the GPUs is one of NVML's.
  bool say_facts() {
    NvmlFacts facts;
    facts.driver = nvml_.driver_version();
    for (const std::string& gpu : settings_.gpus)
      facts.gpus.push_back(nvml_.facts(gpu));
    going_ = put(to_line(facts));
    for (const GpuFacts& gpu : facts.gpus) {
      if (gpu.problem.empty()) return true;
      why_none_ = "GPU " + gpu.gpu + ": " + gpu.problem;
    }
    return false;
  }
  const std::string& why_none() const { return why_none_; }

  void run() {
    EventLoop loop;  // to wait in; also wakes up when the reader goes away
    struct stat info {};
    if (::fstat(STDOUT_FILENO, &info) == 0 && S_ISFIFO(info.st_mode))
      loop.watch(STDOUT_FILENO, [this] { going_ = false; });
    Instant next = now();
    while (going_) {
      sample();
      next = std::max(next + settings_.every, now());  // what was missed is not made up for
      while (going_ && now() < next)
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
    // Silence would mean that this process hangs.
    if (lines.empty()) lines = to_line(GpuProblem{settings_.gpus.front(), problems_[settings_.gpus.front()]});
    if (going_) going_ = put(lines);
  }

  SamplerSettings settings_;
  Nvml nvml_;
  std::map<std::string, std::string> problems_;  // that have been said
  std::string why_none_;
  bool going_ = true;
};

int nothing_to_measure(const std::string& why) {
  put(to_line(TelemetryOff{why, true}));
  return 0;
}

}  // namespace

Expected<SamplerSettings> sampler_settings(const std::vector<std::string>& words,
                                           const std::vector<std::string>& environment) {
  SamplerSettings settings;
  settings.clock_offset = clock_offset();
  if (words.size() > 3) return fail("--telemetry takes at most three words: GPU,… EVERY_MS CLOCK_OFFSET_MS");
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
  // Slurm's warnings to the step (srun --signal) reach this process too, and are none of its business.
  for (const int signal : {SIGPIPE, SIGHUP, SIGINT, SIGUSR1, SIGUSR2})
    std::signal(signal, SIG_IGN);
  if (settings.gpus.empty()) return nothing_to_measure("no GPUs are named");
  auto nvml = settings.library.empty() ? Nvml::open() : Nvml::open(settings.library);
  if (!nvml) return nothing_to_measure(nvml.error().message);
  Sampling sampling(settings, std::move(*nvml));
  if (!sampling.say_facts()) return nothing_to_measure(sampling.why_none());
  sampling.run();
  return 0;
}

}  // namespace sweep::agent
