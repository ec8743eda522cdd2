#include "controller/power/gpu_stream.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "util/text.hpp"

namespace sweep::power {

namespace {

constexpr std::size_t kShownBytes = 40;  // of a cell in a note

bool is_power(const std::string& name) {
  const auto has = [&](const char* word) { return name.find(word) != std::string::npos; };
  return has("power") && !has("limit") && !has("cap") && !has("max") && !has("min");
}

bool is_identity(const std::string& name) {
  static constexpr std::string_view kNames[] = {"index", "gpu", "gpu_id", "gpu_index", "card", "device"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

std::string_view field(std::span<const std::string> row, std::optional<std::size_t> column) {
  return column && *column < row.size() ? stripped(row[*column]) : std::string_view();
}

std::string quoted(std::string_view cell) {
  return "'" + printable(clipped(cell, kShownBytes)) + "'";
}

}  // namespace

std::string_view stripped(std::string_view text) {
  return trimmed(text, " \t\n\r\f\v\x1c\x1d\x1e\x1f");
}

StreamColumns stream_columns(std::span<const std::string> header) {
  StreamColumns out;
  std::vector<std::string> names;
  for (const std::string& name : header)
    names.emplace_back(stripped(name));
  // As in a Python dict, the last column of a name has its value.
  const auto last_of = [&](std::size_t i) {
    for (std::size_t later = names.size(); later-- > i;) {
      if (names[later] == names[i]) return later;
    }
    return i;
  };
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string name = ascii_lower(names[i]);
    if (!out.time && name.find("time") != std::string::npos) out.time = last_of(i);
    if (!out.power && is_power(name)) out.power = last_of(i);
    if (!out.gpu && is_identity(name)) out.gpu = last_of(i);
  }
  return out;
}

std::optional<double> power_cell(std::string_view cell) {
  static constexpr std::string_view kDigits = "0123456789";
  const std::size_t first = cell.find_first_of(kDigits);
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t begin = first > 0 && cell[first - 1] == '-' ? first - 1 : first;
  std::size_t end = std::min(cell.find_first_not_of(kDigits, first), cell.size());
  if (end < cell.size() && cell[end] == '.') {
    const std::size_t fraction = std::min(cell.find_first_not_of(kDigits, end + 1), cell.size());
    if (fraction > end + 1) end = fraction;
  }
  return std::strtod(std::string(cell.substr(begin, end - begin)).c_str(), nullptr);
}

GpuStream::GpuStream(std::string name, double start, double end, ZoneOffset local)
    : name_(std::move(name)), start_(start), end_(end), local_(std::move(local)) {}

GpuStream::GpuStream(ZoneOffset local) : whole_(true), local_(std::move(local)) {}

void GpuStream::reject(const char* reason, std::size_t line, const std::string& note) {
  const std::size_t before = reasons_.all().size();
  reasons_.add(reason);
  if (reasons_.all().size() != before) notes_.push_back(name_ + ":" + std::to_string(line) + ": " + note);
}

void GpuStream::take(std::span<const std::string> row, std::size_t line) {
  if (!has_header_) return take_header(row);
  if (row.empty() || !columns_.complete()) return;
  const auto time = take_time(field(row, columns_.time), line);
  if (!time) return;
  if (!whole_ && (*time < start_ - kMaxSampleGap || *time > end_ + kMaxSampleGap)) return;
  take_sample(field(row, columns_.gpu), field(row, columns_.power), *time, line);
}

void GpuStream::take_header(std::span<const std::string> row) {
  has_header_ = true;
  columns_ = stream_columns(row);
  std::string names;
  for (const std::string& name : row)
    names += (names.empty() ? "" : ", ") + std::string(stripped(name));
  const std::string found = "; the columns are: " + printable(clipped(names, 300));
  if (!columns_.time) reject("timestamp_column_missing", 1, "no column with 'time' in its name" + found);
  if (!columns_.power)
    reject("power_column_missing", 1,
           "no column with 'power' and none of limit, cap, max and min in its name" + found);
  if (!columns_.gpu)
    reject("gpu_identity_column_missing", 1,
           "no column named index, gpu, gpu_id, gpu_index, card or device" + found);
}

std::optional<double> GpuStream::take_time(std::string_view cell, std::size_t line) {
  const auto time = sample_time(cell, local_);
  if (!time || !std::isfinite(time->unix)) {
    reject("invalid_timestamp_sample", line, "cannot read the time " + quoted(cell));
    return std::nullopt;
  }
  has_local_ = has_local_ || time->local;
  if (!span_) span_ = {time->unix, time->unix};
  span_->first = std::min(span_->first, time->unix);
  span_->second = std::max(span_->second, time->unix);
  return time->unix;
}

void GpuStream::take_sample(std::string_view gpu, std::string_view power, double time, std::size_t line) {
  const auto watts = power_cell(power);
  if (!watts || !std::isfinite(*watts) || (!whole_ && *watts < 0))
    return reject("invalid_power_sample", line, "cannot use the power " + quoted(power));
  if (gpu.empty()) {
    if (!missing_identity_) identity_line_ = line;
    missing_identity_ = true;
    return;
  }
  auto found = samples_.find(gpu);
  if (found == samples_.end()) found = samples_.emplace(std::string(gpu), std::vector<Sample>()).first;
  found->second.push_back({time, *watts});
}

void GpuStream::finish() {
  if (!has_header_) take_header({});
  if (!columns_.complete()) return;
  if (missing_identity_) reject("gpu_identity_missing", identity_line_, "the row does not name a GPU");
  for (auto& [gpu, samples] : samples_) {
    gpus_.push_back(gpu);
    if (whole_) {
      std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
        return a.time != b.time ? a.time < b.time : a.power < b.power;
      });
    } else {
      order_samples(samples);
    }
  }
  sort_gpu_ids(gpus_);
  if (gpus_.empty()) reasons_.add("no_usable_power_samples");
}

}  // namespace sweep::power
