#include "agent/io/gpu_sampler.hpp"

#include <unistd.h>

#include <csignal>

#include "util/os/clock.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kSamplerRead = std::size_t{64} << 10;

}  // namespace

void GpuSampler::start(const std::vector<std::string>& program, const SamplerSettings& settings,
                       const std::vector<std::string>& environment, OnReport on_report) {
  if (child_ || for_good_ || failures_ >= kMostFailures) return;
  on_report_ = std::move(on_report);
  if (auto started = spawn_process(program, settings, environment); !started)
    off({started.error().message, false});
}

Expected<void> GpuSampler::spawn_process(const std::vector<std::string>& program,
                                         const SamplerSettings& settings,
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
  const Chunk chunk = read_available(out_.get(), kSamplerRead);
  text_ += chunk.bytes;
  std::size_t begin = 0;
  for (std::size_t end = 0; child_ && (end = text_.find('\n', begin)) != std::string::npos; begin = end + 1)
    take(std::string_view(text_).substr(begin, end - begin));
  if (!child_) return;
  text_.erase(0, begin);
  if (text_.size() > kMaxReportLine) return off({"the GPU sampler wrote a line that is too long", false});
  if (chunk.closed) off({"the GPU sampler exited", false});
}

void GpuSampler::take(std::string_view line) {
  deadline_ = now() + silence_;
  auto report = parse_report(line);
  if (!report) return off({"the GPU sampler wrote an invalid line: " + report.error().message, false});
  if (auto* last = std::get_if<TelemetryOff>(&*report)) return off(std::move(*last));
  on_report_(std::move(*report));
}

void GpuSampler::off(TelemetryOff why) {
  for_good_ = why.for_good;
  ++failures_;
  stop();
  on_report_(std::move(why));
}

void GpuSampler::on_deadline(Instant now) {
  if (!child_ || now < deadline_) return;
  off({"the GPU sampler has stopped reporting; it may hang in the driver", false});
}

void GpuSampler::stop() {
  if (!child_) return;
  loop_.unwatch(out_.get());
  out_.reset();
  signal_child(*child_, SIGKILL);
  child_.reset();
}

}  // namespace sweep::agent
