// Reads the CSV file of a GPU monitor (nvidia-smi, amd-smi): one row per GPU and time. Pure: rows come from
// CsvRows, and only samples that are asked for are kept.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/power/benchmark.hpp"
#include "controller/power/integrate.hpp"
#include "controller/power/timestamp.hpp"

namespace sweep::power {

/// The columns that matter, as indices of a row's fields.
struct StreamColumns {
  std::optional<std::size_t> time, power, gpu;
  bool complete() const { return time && power && gpu; }
};

/// Returns the columns of a header: the first with "time" in its name, the first with "power" and none of limit,
/// cap, max and min, and the first named index, gpu, gpu_id, gpu_index, card or device, in any case.
StreamColumns stream_columns(std::span<const std::string> header);

/// Returns the first number in a cell in watts ("412.3 W"); std::nullopt if there is none.
std::optional<double> power_cell(std::string_view cell);

/// Returns `text` without the blanks at its ends that Python's str.strip removes.
std::string_view stripped(std::string_view text);

/// The rows of one file. Keeps the samples within kMaxSampleGap around a window, or all of them.
class GpuStream {
 public:
  /// Keeps the samples around the window from `start` to `end`, in seconds since 1970. `name`: the file, for
  /// notes.
  GpuStream(std::string name, double start, double end, ZoneOffset local);
  /// Keeps all samples. Negative power counts.
  explicit GpuStream(ZoneOffset local);

  /// Takes the next row; the first one with fields is the header. `line` is for notes.
  void take(std::span<const std::string> row, std::size_t line);
  /// Ends the stream: sorts each GPU's samples and adds the reasons that only the end shows.
  void finish();

  const StreamColumns& columns() const { return columns_; }
  const Reasons& reasons() const { return reasons_; }
  /// The first place behind each reason, as "gpu_metrics.csv:17: …".
  const std::vector<std::string>& notes() const { return notes_; }
  /// The GPUs with samples, in order of their ids.
  const std::vector<std::string>& gpus() const { return gpus_; }
  /// The samples of one of gpus(), in order of time.
  std::span<const Sample> samples(const std::string& gpu) const { return samples_.find(gpu)->second; }

  /// Returns true if any time had no zone.
  bool has_local_times() const { return has_local_; }
  /// The first and last time of the file, whether it was near the window or not.
  std::optional<std::pair<double, double>> span() const { return span_; }

 private:
  void take_header(std::span<const std::string> row);
  void take_sample(std::string_view gpu, std::string_view power, double time, std::size_t line);
  std::optional<double> take_time(std::string_view cell, std::size_t line);
  void reject(const char* reason, std::size_t line, const std::string& note);

  std::string name_;
  bool whole_ = false;
  double start_ = 0, end_ = 0;
  ZoneOffset local_;
  bool has_header_ = false, has_local_ = false, missing_identity_ = false;
  std::size_t identity_line_ = 0;
  StreamColumns columns_;
  Reasons reasons_;
  std::vector<std::string> notes_, gpus_;
  std::map<std::string, std::vector<Sample>, std::less<>> samples_;
  std::optional<std::pair<double, double>> span_;
};

}  // namespace sweep::power
