// The agent's side. The process itself: sampling.cpp.
#include "agent/io/sampler.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>

#include "util/os/clock.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kReadAtOnce = 64 * 1024;

}  // namespace

Millis clock_offset() {
  using std::chrono::duration_cast;
  return now().time_since_epoch() -
         duration_cast<Millis>(std::chrono::steady_clock::now().time_since_epoch());
}

void GpuSampler::start(const std::vector<std::string>& program, const SamplerSettings& settings,
                       const std::vector<std::string>& environment, Tell tell) {
  if (child_ || for_good_ || failures_ >= kMostFailures) return;
  tell_ = std::move(tell);
  if (auto started = spawn_it(program, settings, environment); !started)
    off({started.error().message, false});
}

Expected<void> GpuSampler::spawn_it(const std::vector<std::string>& program, const SamplerSettings& settings,
                                    const std::vector<std::string>& environment) {
  SWEEP_ASSIGN(auto pipe, make_pipe());
  SpawnSpec spec;
  spec.argv = program;
  spec.argv.insert(spec.argv.end(),
                   {"--telemetry", join(settings.gpus, ","), std::to_string(settings.every.count()),
                    std::to_string(clock_offset().count())});
  spec.environment = environment;
  spec.out = pipe.write_end.get();
  SWEEP_ASSIGN(auto child, spawn(spec));
  child_ = std::move(child);
  out_ = std::move(pipe.read_end);
  text_.clear();
  silence_ = std::max(kSilence, 5 * settings.every);
  deadline_ = now() + std::max(kFirstLine, silence_);
  loop_.watch(out_.get(), [this] { read(); });
  return {};
}

void GpuSampler::read() {
  const Chunk chunk = read_available(out_.get(), kReadAtOnce);
  text_ += chunk.bytes;
  std::size_t begin = 0;
  for (std::size_t end = 0; child_ && (end = text_.find('\n', begin)) != std::string::npos; begin = end + 1)
    take(std::string_view(text_).substr(begin, end - begin));
  if (!child_) return;
  text_.erase(0, begin);
  if (text_.size() > kMaxReportLine) return off({"the GPU sampler wrote a line without an end", false});
  if (chunk.closed) off({"the GPU sampler ended", false});
}

void GpuSampler::take(std::string_view line) {
  deadline_ = now() + silence_;
  auto report = report_in(line);
  if (!report) return off({"the GPU sampler wrote what cannot be read: " + report.error().message, false});
  if (auto* last = std::get_if<TelemetryOff>(&*report)) return off(std::move(*last));
  tell_(std::move(*report));
}

void GpuSampler::off(TelemetryOff why) {
  for_good_ = why.for_good;
  ++failures_;
  stop();
  tell_(std::move(why));
}

void GpuSampler::on_time(Instant now) {
  if (!child_ || now < deadline_) return;
  off({"the GPU sampler does not answer; it may hang in the driver", false});
}

void GpuSampler::stop() {
  if (!child_) return;
  loop_.unwatch(out_.get());
  out_.reset();
  signal_child(*child_, SIGKILL);
  child_.reset();
}

}  // namespace sweep::agent
