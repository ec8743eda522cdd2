// agent/core/telemetry: means, energy, gaps, throttling and the idle check, on samples with known answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "agent/core/gpu_report.hpp"
#include "agent/core/telemetry.hpp"
#include "util/json.hpp"

namespace sweep::agent {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kStartUnixMs = 1'700'000'000'000;

Instant at(std::int64_t ms) {
  return from_unix_ms(kStartUnixMs + ms);
}

GpuSample power(std::int64_t ms, std::int64_t milliwatts, const std::string& gpu = "0") {
  GpuSample sample;
  sample.at = at(ms);
  sample.gpu = gpu;
  sample.power_mw = milliwatts;
  return sample;
}

GpuSample energy(std::int64_t ms, std::int64_t millijoules) {
  GpuSample sample = power(ms, 1'000);
  sample.energy_mj = millijoules;
  return sample;
}

// Returns the summary of the only GPU, for a window from 0 to `end`.
GpuSummary summary_of(const std::vector<GpuSample>& samples, std::int64_t end, std::int64_t begin = 0) {
  TelemetryWindow window({"0"});
  bool begun = false;
  for (const GpuSample& sample : samples) {
    if (!begun && sample.at >= at(begin)) window.begin(at(begin)), begun = true;
    window.add(sample);
  }
  if (!begun) window.begin(at(begin));
  return window.summary(at(end))->gpus.at(0);
}

// ---- power

TEST(TelemetryPower, ConstantPowerGivesMeanAndEnergy) {
  std::vector<GpuSample> samples;
  for (int ms = 0; ms <= 10'000; ms += 1'000)
    samples.push_back(power(ms, 350'000));
  const GpuSummary gpu = summary_of(samples, 10'000);
  EXPECT_DOUBLE_EQ(gpu.mean_power_w.value(), 350.0);
  EXPECT_DOUBLE_EQ(gpu.energy_j.value(), 3'500.0);
  EXPECT_FALSE(gpu.energy_from_counter);
  EXPECT_DOUBLE_EQ(gpu.covered, 1.0);
  EXPECT_EQ(gpu.samples, 11U);
  EXPECT_EQ(gpu.gaps, 0U);
}

TEST(TelemetryPower, MeanIsOverTimeNotOverSamples) {
  // 100 W for 2 s, then up to 300 W in many samples within 100 ms, which must not outweigh the 2 s.
  const GpuSummary gpu = summary_of({power(0, 100'000), power(2'000, 100'000), power(2'025, 150'000),
                                     power(2'050, 200'000), power(2'075, 250'000), power(2'100, 300'000)},
                                    2'100);
  EXPECT_THAT(gpu.mean_power_w.value(), DoubleNear((200.0 + 20.0) / 2.1, 1e-9));
}

TEST(TelemetryPower, RampIsATrapezoid) {
  const GpuSummary gpu = summary_of({power(0, 100'000), power(1'000, 300'000), power(3'000, 500'000)}, 3'000);
  EXPECT_DOUBLE_EQ(gpu.energy_j.value(), 200.0 + 800.0);
  EXPECT_THAT(gpu.mean_power_w.value(), DoubleNear(1'000.0 / 3, 1e-9));
}

TEST(TelemetryPower, ValueAtTheWindowsBeginIsInterpolated) {
  // 100 W at -1 s and 300 W at +1 s give 200 W at 0. The last value stays until the end.
  const GpuSummary gpu = summary_of({power(-1'000, 100'000), power(1'000, 300'000)}, 2'000);
  EXPECT_DOUBLE_EQ(gpu.energy_j.value(), 250.0 + 300.0);
  EXPECT_EQ(gpu.samples, 1U);
}

TEST(TelemetryPower, SamplesBeforeTheWindowDoNotCount) {
  TelemetryWindow window({"0"});
  for (int ms = -5'000; ms < 0; ms += 1'000)
    window.add(power(ms, 900'000));
  EXPECT_FALSE(window.summary(at(0)));
  window.begin(at(0));
  for (int ms = 0; ms <= 10'000; ms += 1'000)
    window.add(power(ms, 100'000));
  EXPECT_DOUBLE_EQ(window.summary(at(10'000))->power_w.value(), 100.0);
}

TEST(TelemetryPower, SecondBeginForgetsTheFirst) {
  TelemetryWindow window({"0"});
  window.begin(at(0));
  GpuSample hot = power(1'000, 900'000);
  hot.temperature_c = 99;
  hot.throttle_reasons = 0x40;
  window.add(hot);
  window.begin(at(10'000));
  window.add(power(10'000, 100'000));
  const auto summary = window.summary(at(11'000)).value();
  EXPECT_DOUBLE_EQ(summary.power_w.value(), 100.0);
  EXPECT_FALSE(summary.throttled);
  EXPECT_FALSE(summary.max_temperature_c);
}

TEST(TelemetryPower, GapDoesNotCountAndIsReported) {
  // 100 W until 10 s, nothing until 15 s, 300 W until 25 s.
  std::vector<GpuSample> samples;
  for (int ms = 0; ms <= 10'000; ms += 1'000)
    samples.push_back(power(ms, 100'000));
  for (int ms = 15'000; ms <= 25'000; ms += 1'000)
    samples.push_back(power(ms, 300'000));
  const GpuSummary gpu = summary_of(samples, 25'000);
  EXPECT_DOUBLE_EQ(gpu.mean_power_w.value(), 200.0);
  EXPECT_EQ(gpu.gaps, 1U);
  EXPECT_DOUBLE_EQ(gpu.covered, 0.8);
  EXPECT_FALSE(gpu.energy_j) << "a fifth of the window is not known";
}

TEST(TelemetryPower, SmallGapsAreFilledWithTheMean) {
  std::vector<GpuSample> samples;
  for (int ms = 0; ms <= 100'000; ms += 1'000) {
    if (ms <= 50'000 || ms >= 55'000) samples.push_back(power(ms, 200'000));
  }
  const GpuSummary gpu = summary_of(samples, 100'000);
  EXPECT_DOUBLE_EQ(gpu.covered, 0.95);
  EXPECT_DOUBLE_EQ(gpu.energy_j.value(), 20'000.0);
}

TEST(TelemetryPower, SamplesThatStopEarlyOrBeginLateAreGaps) {
  EXPECT_EQ(summary_of({power(0, 1'000)}, 60'000).gaps, 1U);
  EXPECT_EQ(summary_of({power(60'000, 1'000)}, 60'000).gaps, 1U);
  EXPECT_EQ(summary_of({power(30'000, 1'000)}, 60'000).gaps, 2U);
}

TEST(TelemetryPower, WithoutASampleInsideAllValuesAreAbsent) {
  const GpuSummary gpu = summary_of({power(-500, 500'000)}, 400);
  EXPECT_EQ(gpu.samples, 0U);
  EXPECT_FALSE(gpu.mean_power_w);
  EXPECT_FALSE(gpu.energy_j);
  EXPECT_EQ(gpu.covered, 0);
}

TEST(TelemetryPower, SampleOutOfOrderIsIgnored) {
  const GpuSummary gpu = summary_of({power(0, 100'000), power(2'000, 100'000), power(1'000, 900'000)}, 2'000);
  EXPECT_DOUBLE_EQ(gpu.mean_power_w.value(), 100.0);
  EXPECT_EQ(gpu.samples, 2U);
}

// ---- the energy counter

TEST(TelemetryEnergy, CounterIsPreferredToPower) {
  // The sampled power would give 1 W; the counter gives 500 W.
  std::vector<GpuSample> samples;
  for (int s = 0; s <= 10; ++s)
    samples.push_back(energy(s * 1'000, 7'000'000 + s * 500'000));
  const GpuSummary gpu = summary_of(samples, 10'000);
  EXPECT_TRUE(gpu.energy_from_counter);
  EXPECT_DOUBLE_EQ(gpu.energy_j.value(), 5'000.0);
  EXPECT_DOUBLE_EQ(gpu.mean_power_w.value(), 1.0);
}

TEST(TelemetryEnergy, CounterIncludesTheEnergyOfAGap) {
  std::vector<GpuSample> samples;
  for (const int s : {0, 1, 2, 3, 14, 15, 16})
    samples.push_back(energy(s * 1'000, s * 500'000));
  const GpuSummary gpu = summary_of(samples, 16'000);
  EXPECT_EQ(gpu.gaps, 1U);
  EXPECT_DOUBLE_EQ(gpu.energy_j.value(), 8'000.0);
}

TEST(TelemetryEnergy, CounterIsInterpolatedAtTheBeginAndExtrapolatedToTheEnd) {
  // Constant 400 W; samples at -0.5 s, 0.5 s, … 19.5 s.
  std::vector<GpuSample> samples;
  for (int s = -1; s < 20; ++s)
    samples.push_back(energy(s * 1'000 + 500, 10'000'000 + s * 400'000));
  const GpuSummary gpu = summary_of(samples, 20'000);
  EXPECT_TRUE(gpu.energy_from_counter);
  EXPECT_THAT(gpu.energy_j.value(), DoubleNear(8'000.0, 1e-6));
}

TEST(TelemetryEnergy, CounterThatGoesBackOrStandsStillIsIgnored) {
  for (const std::int64_t step : {0, -100}) {
    std::vector<GpuSample> samples;
    for (int s = 0; s <= 10; ++s)
      samples.push_back(energy(s * 1'000, 1'000'000 + s * step));
    const GpuSummary gpu = summary_of(samples, 10'000);
    EXPECT_FALSE(gpu.energy_from_counter);
    EXPECT_DOUBLE_EQ(gpu.energy_j.value(), 10.0) << "from power, 1 W";
  }
}

TEST(TelemetryEnergy, CounterThatRestartedInTheWindowIsIgnored) {
  std::vector<GpuSample> samples;
  for (int s = 0; s <= 10; ++s)
    samples.push_back(energy(s * 1'000, s < 5 ? 1'000 : s * 900'000));
  samples[5].energy_mj = 0;
  const GpuSummary gpu = summary_of(samples, 10'000);
  EXPECT_FALSE(gpu.energy_from_counter);
  EXPECT_DOUBLE_EQ(gpu.energy_j.value(), 10.0);
}

// ---- several GPUs

TEST(TelemetrySet, SumsOnlyOverTheGpusOfThePoint) {
  TelemetryWindow window({"2", "GPU-abc"});
  window.begin(at(0));
  for (int ms = 0; ms <= 10'000; ms += 1'000) {
    window.add(power(ms, 400'000, "2"));
    window.add(power(ms, 600'000, "GPU-abc"));
    window.add(power(ms, 999'000, "0"));  // another point's GPU
  }
  const auto summary = window.summary(at(10'000)).value();
  EXPECT_DOUBLE_EQ(summary.power_w.value(), 1'000.0);
  EXPECT_DOUBLE_EQ(summary.energy_j.value(), 10'000.0);
  EXPECT_DOUBLE_EQ(joules_per_output_token(summary, 4'000).value(), 2.5);
  EXPECT_FALSE(joules_per_output_token(summary, 0));
  EXPECT_EQ(summary.window, Millis(10'000));
}

TEST(TelemetrySet, SumIsAbsentIfOneGpusPowerIs) {
  TelemetryWindow window({"0", "1"});
  window.begin(at(0));
  for (int ms = 0; ms <= 10'000; ms += 1'000) {
    window.add(power(ms, 400'000, "0"));
    GpuSample other = power(ms, 0, "1");
    other.power_mw.reset();
    other.temperature_c = 50;
    window.add(other);
  }
  const auto summary = window.summary(at(10'000)).value();
  EXPECT_FALSE(summary.power_w);
  EXPECT_FALSE(summary.energy_j);
  EXPECT_FALSE(joules_per_output_token(summary, 100));
  EXPECT_TRUE(summary.gpus[0].mean_power_w);
  EXPECT_EQ(summary.max_temperature_c, 50);
}

TEST(TelemetrySet, HasHighestTemperatureAndMemoryAndMeanClocks) {
  TelemetryWindow window({"0", "1"});
  window.begin(at(0));
  for (int s = 0; s <= 4; ++s) {
    GpuSample sample = power(s * 1'000, 1'000, "0");
    sample.temperature_c = 60 + (s == 2 ? 25 : 0);
    sample.memory_used_bytes = 1'000 * s;
    sample.sm_clock_mhz = 1'000 + 200 * s;
    window.add(sample);
    sample.gpu = "1";
    sample.temperature_c = 40;
    sample.sm_clock_mhz = 2'000;
    sample.memory_clock_mhz = 2'619;
    window.add(sample);
  }
  const auto summary = window.summary(at(4'000)).value();
  EXPECT_EQ(summary.max_temperature_c, 85);
  EXPECT_EQ(summary.max_memory_bytes, 4'000);
  EXPECT_DOUBLE_EQ(summary.gpus[0].mean_sm_clock_mhz.value(), 1'400.0);
  EXPECT_DOUBLE_EQ(summary.mean_sm_clock_mhz.value(), 1'700.0);
  EXPECT_DOUBLE_EQ(summary.mean_memory_clock_mhz.value(), 2'619.0);
}

TEST(TelemetrySet, JsonHasOnlyKnownValues) {
  TelemetryWindow window({"0"});
  window.begin(at(0));
  for (int ms = 0; ms <= 10'000; ms += 1'000) {
    GpuSample sample = power(ms, 250'000);
    sample.throttle_reasons = ms < 5'500 ? 0x4 : 0;
    window.add(sample);
  }
  const nlohmann::json json = to_json(window.summary(at(10'000)).value());
  EXPECT_EQ(json.at("energy_j"), 2'500.0);
  EXPECT_EQ(json.at("window_ms"), 10'000);
  EXPECT_EQ(json.at("throttled"), true);
  EXPECT_EQ(json.at("throttle_reasons"), nlohmann::json::array({"power cap"}));
  EXPECT_EQ(json.at("gpus").at(0).at("throttle").at("power cap"), 6.0 / 11);
  EXPECT_FALSE(json.contains("max_temperature_c"));
  EXPECT_FALSE(json.at("gpus").at(0).contains("mean_sm_clock_mhz"));
}

// ---- throttling

TEST(TelemetryThrottle, IdleAndSetClocksAreNotThrottling) {
  EXPECT_THAT(throttle_names(0x1 | 0x2 | 0x100), IsEmpty());
  TelemetryWindow window({"0"});
  window.begin(at(0));
  GpuSample sample = power(0, 1'000);
  sample.throttle_reasons = 0x3;
  window.add(sample);
  EXPECT_FALSE(window.summary(at(1'000))->throttled);
}

TEST(TelemetryThrottle, EachReasonHasItsName) {
  EXPECT_THAT(throttle_names(0xFF), ElementsAre("power cap", "hardware slowdown", "sync boost",
                                                "thermal (software)", "thermal (hardware)", "power brake"));
  EXPECT_THAT(throttle_names(0x4 | 0x400), ElementsAre("power cap", "unknown (0x400)"));
}

TEST(TelemetryThrottle, SharesCountOnlySamplesWithReasons) {
  std::vector<GpuSample> samples;
  for (int s = 0; s < 10; ++s) {
    samples.push_back(power(s * 1'000, 1'000));
    if (s < 8) samples.back().throttle_reasons = s < 2 ? 0x44 : s < 4 ? 0x4 : 0x1;
  }
  const GpuSummary gpu = summary_of(samples, 10'000);
  ASSERT_EQ(gpu.throttle.size(), 2U);
  EXPECT_EQ(gpu.throttle[0].reason, "power cap");
  EXPECT_DOUBLE_EQ(gpu.throttle[0].share, 0.5);
  EXPECT_EQ(gpu.throttle[1].reason, "thermal (hardware)");
  EXPECT_DOUBLE_EQ(gpu.throttle[1].share, 0.25);
}

// ---- idle

GpuSample idle_sample(const std::string& gpu = "0") {
  GpuSample sample = power(0, 70'000, gpu);
  sample.processes = 0;
  sample.utilization_percent = 0;
  sample.memory_used_bytes = std::int64_t{600} << 20;
  return sample;
}

TEST(TelemetryIdle, IdleGpuIsIdle) {
  const std::vector<GpuSample> samples{idle_sample("0"), idle_sample("1")};
  EXPECT_TRUE(idle_check(samples).idle);
  EXPECT_EQ(idle_check(samples).why, "");
  EXPECT_TRUE(idle_check({}).idle);
}

TEST(TelemetryIdle, BusyGpuIsReportedWithValueAndLimit) {
  GpuSample sample = idle_sample("GPU-5");
  sample.processes = 2;
  EXPECT_EQ(idle_check({&sample, 1}).why, "GPU GPU-5 has 2 compute processes (limit 0)");
  EXPECT_FALSE(idle_check({&sample, 1}).idle);

  sample = idle_sample();
  sample.utilization_percent = 5;
  EXPECT_TRUE(idle_check({&sample, 1}).idle);
  sample.utilization_percent = 37;
  EXPECT_EQ(idle_check({&sample, 1}).why, "GPU 0 is 37 % busy (limit 5 %)");

  sample = idle_sample();
  sample.memory_used_bytes = std::int64_t{150'000} << 20;
  EXPECT_EQ(idle_check({&sample, 1}).why, "GPU 0 has 150000 MiB of memory in use (limit 2048 MiB)");
}

TEST(TelemetryIdle, AllReasonsAreReportedWithTheCallersLimits) {
  std::vector<GpuSample> samples{idle_sample("0"), idle_sample("1"), idle_sample("2")};
  samples[0].processes = 1;
  samples[0].utilization_percent = 100;
  samples[2].processes = 3;
  EXPECT_EQ(idle_check(samples).why,
            "GPU 0 has 1 compute processes (limit 0), is 100 % busy (limit 5 %); GPU 2 has 3 compute "
            "processes (limit 0)");
  EXPECT_TRUE(idle_check(samples, {3, 100, std::int64_t{1} << 40}).idle);
}

TEST(TelemetryIdle, AbsentValuesAreIgnored) {
  const GpuSample sample = power(0, 700'000);
  EXPECT_TRUE(idle_check({&sample, 1}).idle);
}

TEST(TelemetryIdle, NewestReturnsTheNewestSampleOfEachGpu) {
  TelemetryWindow window({"0", "1"});
  window.add(power(0, 1));
  window.add(power(1'000, 2));
  const auto newest = window.newest();
  ASSERT_EQ(newest.size(), 1U);
  EXPECT_EQ(newest[0].power_mw, 2);
}

TEST(TelemetryGpus, AmdGpusAreNotSampled) {
  EXPECT_THAT(nvidia_gpus({{"0", "1"}, "CUDA_VISIBLE_DEVICES"}), ElementsAre("0", "1"));
  EXPECT_THAT(nvidia_gpus({{"0"}, ""}), ElementsAre("0"));
  EXPECT_THAT(nvidia_gpus({{"0"}, "ROCR_VISIBLE_DEVICES"}), IsEmpty());
  EXPECT_THAT(nvidia_gpus({{"0"}, "HIP_VISIBLE_DEVICES"}), IsEmpty());
}

// ---- what the sampling process writes

GpuReport round_trip(const GpuReport& report) {
  std::string line = to_line(report);
  EXPECT_EQ(line.back(), '\n');
  line.pop_back();
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const auto back = parse_report(line);
  EXPECT_TRUE(back) << back.error().message;
  return back.value_or(TelemetryOff{"unreadable", false});
}

TEST(TelemetryReports, RoundTrip) {
  GpuSample full = energy(123, 9'000'000'000'000);
  full.sm_clock_mhz = 1'980;
  full.memory_clock_mhz = 2'619;
  full.temperature_c = 61;
  full.memory_used_bytes = std::int64_t{180} << 30;
  full.utilization_percent = 98;
  full.throttle_reasons = 0x44;
  full.processes = 8;
  full.memory_utilization_percent = 40;
  for (const GpuReport& report : std::vector<GpuReport>{
           full, power(0, 0), NvmlFacts{"570.1", {{"0", "NVIDIA B200", "GPU-1", ""}, {"9", "", "", "none"}}},
           GpuProblem{"0", "GPU is lost"}, TelemetryOff{"no NVML", true}, TelemetryOff{"ended", false}}) {
    EXPECT_EQ(round_trip(report), report);
  }
}

TEST(TelemetryReports, AnyTextOfTheLibraryMakesAValidLine) {
  const NvmlFacts facts{"57\n0\xff", {{"0", std::string(5'000, 'x'), "\x1b[2J", ""}}};
  const auto back = std::get<NvmlFacts>(round_trip(facts));
  EXPECT_EQ(back.driver, "57\\n0?");
  EXPECT_LE(back.gpus.at(0).name.size(), 512U);
  EXPECT_EQ(back.gpus.at(0).uuid, "?[2J");
}

TEST(TelemetryReports, InvalidLinesAreRejectedWithAReason) {
  for (const char* line :
       {"", "x", "[]", "{}", "7", R"({"gpu":"0"})", R"({"gpu":"0","at":-1})", R"({"gpu":0,"at":1})",
        R"({"gpu":"0","at":1,"power_mw":-5})", R"({"gpu":"0","at":1,"power_mw":"5"})",
        R"({"gpu":"0","at":1,"power_mw":1.5})", R"({"driver":"1"})", R"({"driver":"1","gpus":[1]})",
        R"({"off":"x"})", R"({"driver":"1","gpus":{}})", R"({"gpu":"0","problem":1})"}) {
    const auto report = parse_report(line);
    ASSERT_FALSE(report) << line;
    EXPECT_FALSE(report.error().message.empty());
  }
  EXPECT_FALSE(parse_report(std::string(kMaxReportLine + 1, ' ')));
}

}  // namespace
}  // namespace sweep::agent
