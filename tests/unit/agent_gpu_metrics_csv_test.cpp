// agent/core/gpu_metrics_csv: the lines of gpu_metrics.csv.
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/core/gpu_metrics_csv.hpp"

namespace sweep::agent {
namespace {

GpuSample full_sample() {
  GpuSample out;
  out.at = from_unix_ms(1'785'999'997'050);
  out.gpu = "3";
  out.power_mw = 512'345;
  out.temperature_c = 61;
  out.sm_clock_mhz = 1'980;
  out.memory_clock_mhz = 2'619;
  out.utilization_percent = 99;
  out.memory_utilization_percent = 40;
  return out;
}

TEST(GpuMetricsCsv, LineHasTheColumnsOfNvidiaSmiAndATimeWithZone) {
  EXPECT_EQ(gpu_metrics_line(full_sample()),
            "2026-08-06T07:06:37.050+00:00, 3, 512.35 W, 61, 1980 MHz, 2619 MHz, 99 %, 40 %\n");
}

TEST(GpuMetricsCsv, MissingValuesAreNotZero) {
  GpuSample sample;
  sample.at = from_unix_ms(0);
  sample.gpu = "GPU-1";
  EXPECT_EQ(gpu_metrics_line(sample),
            "1970-01-01T00:00:00.000+00:00, GPU-1, [N/A], [N/A], [N/A], [N/A], [N/A], [N/A]\n");
}

TEST(GpuMetricsCsv, HeaderHasAsManyColumnsAsALine) {
  const std::string line = gpu_metrics_line(full_sample());
  EXPECT_EQ(std::count(kGpuMetricsHeader.begin(), kGpuMetricsHeader.end(), ','),
            std::count(line.begin(), line.end(), ','));
}

}  // namespace
}  // namespace sweep::agent
