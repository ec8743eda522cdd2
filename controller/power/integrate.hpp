// Energy of one GPU from samples of its power: trapezoids over a window, whose ends are interpolated. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace sweep::power {

/// The largest distance of two samples that still counts as measured, in seconds.
constexpr double kMaxSampleGap = 3.0;

struct Sample {
  double time = 0;   // seconds since 1970
  double power = 0;  // watts
};

/// Sorts samples by time and replaces samples of the same time by their mean.
void order_samples(std::vector<Sample>& samples);

/// Returns true if there is a sample at or before `start` and one at or after `end`.
bool brackets(std::span<const Sample> ordered, double start, double end);

/// Returns the largest distance between neighbours, in seconds, from the last sample at or before `start` to the
/// first at or after `end`. The samples must bracket the window.
double largest_gap(std::span<const Sample> ordered, double start, double end);

/// Returns the energy in joules between `start` and `end`. The samples must bracket the window.
double window_energy(std::span<const Sample> ordered, double start, double end);

/// Returns the energy in joules from the first sample to the last; 0 for fewer than two.
double whole_energy(std::span<const Sample> ordered);

/// Sorts GPU ids: numbers by value, then other texts.
void sort_gpu_ids(std::vector<std::string>& ids);

}  // namespace sweep::power
