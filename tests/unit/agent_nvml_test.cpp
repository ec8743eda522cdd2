// agent/io/nvml and the sampling process, with the stand-in for libnvidia-ml (tests/nvml_stand_in).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>

#include "agent/io/children.hpp"
#include "agent/io/gpu_sampler.hpp"
#include "agent/io/nvml.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/net_loop.hpp"
#include "util/os/clock.hpp"
#include "util/os/process.hpp"

namespace sweep::agent {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kFolders = SWEEP_NVML_STAND_INS;
const std::string kWhole = std::string(kFolders) + "/whole";

std::string library(const std::string& folder) {
  return std::string(kFolders) + "/" + folder + "/libnvidia-ml.so.1";
}

class NvmlTest : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    set_answers("");
    ::setenv("NVML_STAND_IN", path("answers").c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("NVML_STAND_IN");
    InFolder::TearDown();
  }
  void set_answers(const std::string& answers) const { put("answers", answers); }

  static Nvml opened(const std::string& folder = "whole") {
    auto nvml = Nvml::open(library(folder));
    EXPECT_TRUE(nvml) << nvml.error().message;
    return std::move(*nvml);
  }
  static std::string problem_of(const std::string& file) {
    const auto nvml = Nvml::open(file);
    return nvml ? "none" : nvml.error().message;
  }
  static GpuSample sample(Nvml& nvml, const std::string& gpu = "0") {
    const auto read = nvml.read(gpu, from_unix_ms(5));
    EXPECT_TRUE(read) << read.error().message;
    return read.value_or(GpuSample{});
  }
};

TEST_F(NvmlTest, ReadsAllValues) {
  set_answers(
      "1.power 345678\n1.energy 9000000000000\n1.sm_clock 1755\n1.memory_clock 3996\n1.temperature 71\n"
      "1.memory 150000000000\n1.utilization 93\n1.throttle 68\n1.processes 3\n");
  Nvml nvml = opened();
  GpuSample expected;
  expected.at = from_unix_ms(5);
  expected.gpu = "1";
  expected.power_mw = 345'678;
  expected.energy_mj = 9'000'000'000'000;
  expected.sm_clock_mhz = 1'755;
  expected.memory_clock_mhz = 3'996;
  expected.temperature_c = 71;
  expected.memory_used_bytes = 150'000'000'000;
  expected.utilization_percent = 93;
  expected.throttle_reasons = 68;
  expected.processes = 3;
  expected.memory_utilization_percent = 77;  // of the stand-in, always
  EXPECT_EQ(sample(nvml, "1"), expected);
}

TEST_F(NvmlTest, ReturnsDriverNameAndUuid) {
  Nvml nvml = opened();
  EXPECT_EQ(nvml.driver_version(), "0.0 stand-in");
  EXPECT_EQ(nvml.count().value(), 2);
  const GpuFacts facts = nvml.facts("1");
  EXPECT_THAT(facts.name, HasSubstr("stand-in"));
  EXPECT_EQ(facts.uuid, "GPU-57a4d111-0000-0000-0000-000000000000");
  EXPECT_EQ(facts.problem, "");
}

TEST_F(NvmlTest, MissingLibraryFailsWithOneLine) {
  const std::string why = problem_of("libsweep-no-such-nvml.so.1");
  EXPECT_THAT(why, StartsWith("no NVML: "));
  EXPECT_THAT(why, HasSubstr("libsweep-no-such-nvml.so.1"));
  EXPECT_EQ(why.find('\n'), std::string::npos);
}

TEST_F(NvmlTest, LibraryWithoutAFunctionIsRejected) {
  EXPECT_EQ(problem_of(library("incomplete")),
            "no NVML: " + library("incomplete") + " has no nvmlDeviceGetPowerUsage");
}

TEST_F(NvmlTest, MissingDriverIsReported) {
  set_answers("init error 9");
  EXPECT_EQ(problem_of(library("whole")), "NVML: Driver Not Loaded (9)");
}

TEST_F(NvmlTest, OldLibrariesOtherNamesAreUsed) {
  set_answers("0.memory 1000\n0.throttle 4\n");
  Nvml nvml = opened("old");
  EXPECT_EQ(sample(nvml).throttle_reasons, 4);
  EXPECT_EQ(sample(nvml).memory_used_bytes, 1'000 + (std::int64_t{1} << 30))
      << "includes what the driver reserves";
  Nvml newer = opened();
  EXPECT_EQ(sample(newer).memory_used_bytes, 1'000);
}

TEST_F(NvmlTest, ValueOfAFailedCallIsAbsentAndOthersAreKept) {
  const GpuSample all = [] {
    Nvml nvml = opened();
    return sample(nvml);
  }();
  const std::vector<std::pair<std::string, std::optional<std::int64_t> GpuSample::*>> fields{
      {"power", &GpuSample::power_mw},
      {"energy", &GpuSample::energy_mj},
      {"sm_clock", &GpuSample::sm_clock_mhz},
      {"memory_clock", &GpuSample::memory_clock_mhz},
      {"temperature", &GpuSample::temperature_c},
      {"memory", &GpuSample::memory_used_bytes},
      {"utilization", &GpuSample::utilization_percent},
      {"throttle", &GpuSample::throttle_reasons},
      {"processes", &GpuSample::processes}};
  for (const auto& [name, member] : fields) {
    set_answers("0." + name + " error 3");
    Nvml nvml = opened();
    GpuSample expected = all;
    (expected.*member).reset();
    if (name == "utilization") expected.memory_utilization_percent.reset();  // of the same call
    EXPECT_TRUE((all.*member).has_value()) << name;
    EXPECT_EQ(sample(nvml), expected) << name;
  }
}

TEST_F(NvmlTest, UnavailableValueIsAbsent) {
  set_answers("0.memory 18446744073709551615");
  Nvml nvml = opened();
  EXPECT_FALSE(sample(nvml).memory_used_bytes);
}

TEST_F(NvmlTest, GpuWithoutAnyValueIsAnError) {
  std::string lost;
  for (const char* what : {"power", "energy", "sm_clock", "memory_clock", "temperature", "memory",
                           "utilization", "throttle", "processes"}) {
    lost += "0." + std::string(what) + " error 15\n";
  }
  Nvml nvml = opened();
  sample(nvml);
  set_answers(lost);
  const auto read = nvml.read("0", from_unix_ms(5));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message, "NVML: GPU is lost (15)");
  sample(nvml, "1");
  set_answers("");
  sample(nvml);  // it can be read again
}

TEST_F(NvmlTest, IndexCountsOnlyGpusThatMayBeOpened) {
  set_answers("count 4\n0.open error 4\n2.open error 4\n3.power 7\n");
  Nvml nvml = opened();
  EXPECT_EQ(sample(nvml, "1").power_mw, 7);
  const GpuFacts none = nvml.facts("2");
  EXPECT_EQ(none.problem, "NVML shows 2 GPUs to this process");
}

TEST_F(NvmlTest, FindsAGpuByUuidOrUniquePrefix) {
  set_answers("count 4\n0.power 1\n1.power 2\n3.power 4");
  Nvml nvml = opened();
  EXPECT_EQ(sample(nvml, "GPU-57a4d111-0000-0000-0000-000000000000").power_mw, 2);
  EXPECT_EQ(sample(nvml, "GPU-57a4d113").power_mw, 4);
  EXPECT_EQ(nvml.facts("GPU-57a4").problem, "more than one GPU has a UUID with this prefix");
  EXPECT_EQ(nvml.facts("GPU-none").problem, "NVML: Not Found (6)");
}

TEST_F(NvmlTest, MigPartHasNoPower) {
  const std::string mig = "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f";
  set_answers("1.uuid " + mig + "\n1.utilization error 3\n1.memory 5000\n1.processes 1");
  Nvml nvml = opened();
  const GpuSample part = sample(nvml, mig);
  EXPECT_FALSE(part.power_mw);
  EXPECT_FALSE(part.energy_mj);
  EXPECT_FALSE(part.utilization_percent);
  EXPECT_EQ(part.memory_used_bytes, 5'000);
  EXPECT_FALSE(idle_check({&part, 1}).idle);
  EXPECT_EQ(nvml.facts("MIG-GPU-other/1/0").problem, "NVML: Not Found (6)");
}

TEST_F(NvmlTest, InvalidIdIsRejected) {
  Nvml nvml = opened();
  for (const char* id : {"", "x", "-1", "1x", "99999999999999999999"}) {
    EXPECT_EQ(nvml.facts(id).problem, "its name is neither an index nor a UUID") << id;
    EXPECT_FALSE(nvml.read(id, from_unix_ms(0)));
  }
}

TEST_F(NvmlTest, GpuWithAProcessIsNotIdle) {
  set_answers("0.processes 2");
  Nvml nvml = opened();
  const std::vector<GpuSample> samples{sample(nvml, "0"), sample(nvml, "1")};
  EXPECT_EQ(idle_check(samples).why, "GPU 0 has 2 compute processes (limit 0)");
}

// ---- the sampling process

class SamplerTest : public NvmlTest {
 protected:
  void start(const std::vector<std::string>& gpus = {"0", "1"}, const std::string& folder = "whole") {
    SamplerSettings settings;
    settings.gpus = gpus;
    settings.every = Millis(20);
    sampler_.start(
        {SWEEP_AGENT}, settings,
        {"LD_LIBRARY_PATH=" + std::string(kFolders) + "/" + folder, "NVML_STAND_IN=" + path("answers")},
        [this](GpuReport report) { reports_.push_back(std::move(report)); });
  }
  template <class T>
  std::vector<T> all() const {
    std::vector<T> out;
    for (const GpuReport& report : reports_) {
      if (const T* one = std::get_if<T>(&report)) out.push_back(*one);
    }
    return out;
  }
  template <class T>
  bool await(std::size_t count = 1) {
    return run_until(loop_, [&] { return all<T>().size() >= count; });
  }

  EventLoop loop_;
  std::vector<GpuReport> reports_;
  GpuSampler sampler_{loop_};
};

TEST_F(SamplerTest, FactsThenSamplesOfEachGpuInTheAgentsTime) {
  const Instant before = now();
  start();
  ASSERT_TRUE(sampler_.running());
  ASSERT_TRUE(await<GpuSample>(6));
  const Instant after = now();
  ASSERT_TRUE(std::holds_alternative<NvmlFacts>(reports_[0]));
  EXPECT_EQ(all<NvmlFacts>()[0].driver, "0.0 stand-in");
  EXPECT_THAT(all<NvmlFacts>()[0].gpus.at(1).name, HasSubstr("stand-in"));
  const auto samples = all<GpuSample>();
  EXPECT_EQ(samples[0].gpu, "0");
  EXPECT_EQ(samples[1].gpu, "1");
  EXPECT_EQ(samples[1].power_mw, 200'000);
  for (const GpuSample& sample : samples) {
    EXPECT_GE(sample.at, before - Millis(5));  // three clocks are rounded to milliseconds
    EXPECT_LE(sample.at, after + Millis(5));
  }
  EXPECT_GT(samples[2].at, samples[0].at);
}

TEST_F(SamplerTest, FromTheLibraryToJoulesPerToken) {
  set_answers("0.power 300000\n1.power 500000\n0.energy error 3\n1.energy error 3\n1.throttle 4\n");
  start();
  TelemetryWindow window({"0", "1"});
  ASSERT_TRUE(await<GpuSample>(8));
  const auto samples = all<GpuSample>();
  window.begin(samples.front().at);
  for (const GpuSample& sample : samples)
    window.add(sample);
  const Instant end = samples.front().at + Millis(1'000);
  const auto summary = window.summary(end).value();
  EXPECT_NEAR(summary.power_w.value(), 800.0, 1e-6);
  EXPECT_NEAR(joules_per_output_token(summary, 400).value(), 2.0, 1e-3);
  EXPECT_THAT(summary.throttle_reasons, testing::ElementsAre("power cap"));
}

TEST_F(SamplerTest, MissingNvmlIsReportedOnceAndNotRetried) {
  start({"0"}, "incomplete");
  ASSERT_TRUE(await<TelemetryOff>());
  EXPECT_EQ(reports_.size(), 1U);
  EXPECT_TRUE(all<TelemetryOff>()[0].for_good);
  EXPECT_THAT(all<TelemetryOff>()[0].why, StartsWith("no NVML: libnvidia-ml.so.1"));
  EXPECT_FALSE(sampler_.running());
  start();
  EXPECT_FALSE(sampler_.running());
}

TEST_F(SamplerTest, MissingGpuDoesNotStopTheOthers) {
  start({"7", "1"});
  ASSERT_TRUE(await<GpuSample>(3));
  EXPECT_EQ(all<NvmlFacts>()[0].gpus.at(0).problem, "NVML shows 2 GPUs to this process");
  EXPECT_EQ(all<GpuProblem>().size(), 1U) << "reported once, not with each sample";
  EXPECT_EQ(all<GpuSample>()[0].gpu, "1");
}

TEST_F(SamplerTest, TelemetryIsOffIfNoGpuExists) {
  start({"7", "8"});
  ASSERT_TRUE(await<TelemetryOff>());
  EXPECT_EQ(all<TelemetryOff>()[0].why, "GPU 8: NVML shows 2 GPUs to this process");
  EXPECT_TRUE(all<TelemetryOff>()[0].for_good);
}

TEST_F(SamplerTest, LibraryCrashDoesNotReachTheAgent) {
  start();
  ASSERT_TRUE(await<GpuSample>());
  set_answers("0.temperature crash");
  ASSERT_TRUE(await<TelemetryOff>());
  EXPECT_FALSE(all<TelemetryOff>()[0].for_good);
  set_answers("");
  reports_.clear();
  start();
  EXPECT_TRUE(await<GpuSample>()) << "it may be started again";
}

TEST_F(SamplerTest, HangingSamplerIsKilledAfterItsTimeout) {
  set_answers("init hang");
  start();
  const auto deadline = sampler_.deadline();
  ASSERT_TRUE(deadline);
  sampler_.on_deadline(*deadline - Millis(1));
  EXPECT_TRUE(sampler_.running());
  const pid_t pid = sampler_.pid().value();
  sampler_.on_deadline(*deadline);
  EXPECT_FALSE(sampler_.running());
  ASSERT_EQ(all<TelemetryOff>().size(), 1U);
  EXPECT_FALSE(all<TelemetryOff>()[0].for_good);
  EXPECT_FALSE(sampler_.deadline());
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED), 0);
  EXPECT_EQ(info.si_status, SIGKILL);
}

TEST_F(SamplerTest, LongSilenceIsAllowedOnlyBeforeTheFirstLine) {
  start();
  EXPECT_GT(sampler_.deadline().value(), now() + GpuSampler::kSilence);
  ASSERT_TRUE(await<GpuSample>());
  EXPECT_LE(sampler_.deadline().value(), now() + GpuSampler::kSilence);
  set_answers("1.power hang");
  sampler_.on_deadline(*sampler_.deadline());
  EXPECT_EQ(all<TelemetryOff>().size(), 1U);
  EXPECT_FALSE(sampler_.running());
}

TEST_F(SamplerTest, IsNotRestartedAfterSeveralFailures) {
  set_answers("init crash");
  for (int i = 0; i < GpuSampler::kMostFailures; ++i) {
    start();
    ASSERT_TRUE(await<TelemetryOff>(static_cast<std::size_t>(i) + 1));
  }
  start();
  EXPECT_FALSE(sampler_.running());
}

TEST_F(SamplerTest, StoppedSamplerReportsNothingAndEnds) {
  start();
  ASSERT_TRUE(await<GpuSample>());
  const pid_t pid = sampler_.pid().value();
  sampler_.stop();
  const std::size_t told = reports_.size();
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED), 0);
  loop_.step(now());
  EXPECT_EQ(reports_.size(), told);
}

TEST_F(SamplerTest, SlurmsWarningSignalsDoNotEndIt) {
  start();
  ASSERT_TRUE(await<GpuSample>());
  for (const int signal : {SIGUSR1, SIGUSR2, SIGHUP, SIGINT})
    ::kill(sampler_.pid().value(), signal);
  const std::size_t before = all<GpuSample>().size();
  EXPECT_TRUE(await<GpuSample>(before + 6));
}

TEST_F(SamplerTest, EndsWhenItsReaderIsGone) {
  auto pipe = make_pipe();
  SpawnSpec spec;
  spec.argv = {SWEEP_AGENT, "--telemetry", "0", "3600000"};  // it would sleep for an hour
  spec.environment = {"LD_LIBRARY_PATH=" + kWhole};
  spec.out = pipe->write_end.get();
  auto child = spawn(spec);
  ASSERT_TRUE(child);
  pipe->write_end.reset();
  std::string text;
  loop_.watch(pipe->read_end.get(), [&] { text += read_available(pipe->read_end.get(), 4'096).bytes; });
  ASSERT_TRUE(run_until(loop_, [&] { return text.find("power_mw") != std::string::npos; }));
  loop_.unwatch(pipe->read_end.get());
  pipe->read_end.reset();
  bool ended = false;
  loop_.watch(child->pidfd.get(), [&] { ended = true; });
  EXPECT_TRUE(run_until(loop_, [&] { return ended; }));
  loop_.unwatch(child->pidfd.get());
  EXPECT_EQ(reap(child->pid)->code, 0);
}

// The sampler is not an orphan of a benchmark: the end of an attempt neither waits for it nor kills it.
TEST_F(SamplerTest, BelongsToNoAttempt) {
  bool gone = false;
  Children children(loop_,
                    [&](const Input& input) { gone = gone || std::holds_alternative<GroupGone>(input); });
  start();
  children.ignore_helper(sampler_.pid().value());
  ASSERT_TRUE(await<GpuSample>());
  Spawn what;
  what.ref = {"p", 1};
  what.argv = {"/bin/sh", "-c", "exit 0"};
  what.environment = {"PATH=/usr/bin:/bin"};
  what.mark = "SWEEP_ATTEMPT=p.1";
  children.start(what);
  ASSERT_TRUE(run_until(loop_, [&] { return gone; }));
  const std::size_t before = all<GpuSample>().size();
  EXPECT_TRUE(await<GpuSample>(before + 4)) << "it was ended with the attempt";
}

// ---- its arguments

TEST(SamplerArguments, AreParsedOrRejected) {
  const auto settings = parse_sampler_settings({"0,GPU-1", "500", "-12"}, {});
  ASSERT_TRUE(settings);
  EXPECT_THAT(settings->gpus, testing::ElementsAre("0", "GPU-1"));
  EXPECT_EQ(settings->every, Millis(500));
  EXPECT_EQ(settings->clock_offset, Millis(-12));
  EXPECT_THAT(parse_sampler_settings({}, {"CUDA_VISIBLE_DEVICES=3"})->gpus, testing::ElementsAre("3"));
  for (const char* word : {"", "x", "0", "1s", "-5", "99999999999999999999"})
    EXPECT_FALSE(parse_sampler_settings({"0", word}, {})) << word;
  EXPECT_THAT(parse_sampler_settings({"0", "1s"}, {}).error().message, HasSubstr("'1s'"));
  EXPECT_FALSE(parse_sampler_settings({"0", "500", "0", "more"}, {}));
}

}  // namespace
}  // namespace sweep::agent
