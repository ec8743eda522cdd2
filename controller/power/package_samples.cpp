#include "controller/power/package_samples.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "controller/python/number.hpp"
#include "util/json.hpp"

namespace sweep::power {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kHeader[] = {"schema_version", "timestamp_unix", "scrape_seq", "hostname",
                                        "gpu_index",      "gpu_uuid",       "power_w"};

// Returns true if every uuid is the only one of its GPU, and of no other.
bool uuids_are_unique(const std::vector<ObservedDevice>& devices) {
  std::set<std::string> seen;
  for (const ObservedDevice& device : devices) {
    if (device.uuids.size() != 1 || !seen.insert(device.uuids.front()).second) return false;
  }
  return true;
}

}  // namespace

void PackageSamples::take(std::span<const std::string> row) {
  if (!has_header_) {
    has_header_ = true;
    wrong_header_ = !std::equal(row.begin(), row.end(), std::begin(kHeader), std::end(kHeader));
    return;
  }
  if (!wrong_header_ && !take_sample(row)) malformed_ = true;
}

bool PackageSamples::take_sample(std::span<const std::string> row) {
  if (row.size() != std::size(kHeader)) return false;
  const auto version = python::parse_int(row[0]), scrape = python::parse_int(row[2]),
             index = python::parse_int(row[4]);
  const auto time = python::parse_float(row[1]), power = python::parse_float(row[6]);
  const std::string &host = row[3], &uuid = row[5];
  if (!version || !scrape || !index || !time || !power) return false;
  if (*version != 1 || host.empty() || uuid.empty() || *scrape < 0 || *index < 0) return false;
  if (!std::isfinite(*time) || !std::isfinite(*power) || *power < 0) return false;
  Device& device = by_key_[{host, *index}];
  auto found = std::find(device.uuids.begin(), device.uuids.end(), uuid);
  if (found == device.uuids.end()) found = device.uuids.insert(found, uuid);
  device.rows.push_back({*scrape, {*time, *power}, static_cast<std::size_t>(found - device.uuids.begin())});
  return true;
}

ObservedDevice PackageSamples::observed(const DeviceKey& key, Device& device, bool& repeated,
                                        bool& backwards) {
  auto& rows = device.rows;
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.scrape < b.scrape; });
  const auto end =
      std::unique(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.scrape == b.scrape; });
  repeated = repeated || end != rows.end();
  rows.erase(end, rows.end());
  ObservedDevice out{key, {}, {}};
  std::vector<bool> seen(device.uuids.size());
  for (const Row& row : rows) {
    backwards = backwards || (!out.samples.empty() && row.sample.time <= out.samples.back().time);
    if (!seen[row.uuid]) out.uuids.push_back(device.uuids[row.uuid]);
    seen[row.uuid] = true;
    out.samples.push_back(row.sample);
  }
  std::stable_sort(out.samples.begin(), out.samples.end(),
                   [](const Sample& a, const Sample& b) { return a.time < b.time; });
  rows_ += rows.size();
  last_scrape_ = std::max(last_scrape_, rows.back().scrape);
  return out;
}

void PackageSamples::finish() {
  if (!has_header_ || wrong_header_) {
    reasons_.add("samples_csv_header_mismatch");
    return;
  }
  bool repeated = false, backwards = false;
  for (auto& [key, device] : by_key_)
    devices_.push_back(observed(key, device, repeated, backwards));
  by_key_.clear();
  if (malformed_) reasons_.add("samples_csv_malformed");
  if (repeated) reasons_.add("duplicate_sample_row");
  if (backwards) reasons_.add("timestamp_non_monotonic");
}

const ObservedDevice* PackageSamples::device(const DeviceKey& key) const {
  const auto found =
      std::lower_bound(devices_.begin(), devices_.end(), key,
                       [](const ObservedDevice& device, const DeviceKey& k) { return device.key < k; });
  return found != devices_.end() && found->key == key ? &*found : nullptr;
}

Json observed_devices_json(const std::vector<ObservedDevice>& devices) {
  Json out = Json::array();
  for (const ObservedDevice& device : devices) {
    out.push_back({{"hostname", device.key.first},
                   {"gpu_index", device.key.second},
                   {"gpu_uuids", device.uuids},
                   {"first_sample_time_unix", device.samples.front().time},
                   {"last_sample_time_unix", device.samples.back().time}});
  }
  return out;
}

Reasons device_reasons(const std::vector<ExpectedDevice>& expected, const PackageSamples& samples) {
  Reasons out;
  std::set<DeviceKey> keys;
  bool missing = expected.empty();
  for (const ExpectedDevice& device : expected) {
    keys.insert(device.key);
    missing = missing || samples.device(device.key) == nullptr;
  }
  if (missing) out.add("expected_device_missing");
  for (const ObservedDevice& device : samples.devices()) {
    if (keys.count(device.key) == 0) out.add("unexpected_device");
  }
  if (!uuids_are_unique(samples.devices())) out.add("gpu_uuid_changed");
  if (device_roles(expected).conflict) out.add("conflicting_worker_roles");
  if (host_groups(expected).conflict) out.add("conflicting_het_groups");
  return out;
}

}  // namespace sweep::power
