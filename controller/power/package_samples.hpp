// The samples.csv of a dcgm-power package: power of each GPU at each scrape. Pure; rows come from CsvRows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "controller/power/benchmark.hpp"
#include "controller/power/integrate.hpp"
#include "controller/power/package_manifest.hpp"

namespace sweep::power {

/// A GPU with samples.
struct ObservedDevice {
  DeviceKey key;
  std::vector<std::string> uuids;  // in order of the scrapes, each once; more than one is an error
  std::vector<Sample> samples;     // in order of time
};

class PackageSamples {
 public:
  /// Takes the next row; the first one is the header.
  void take(std::span<const std::string> row);
  /// Adds the reason for a file that could be read only in part.
  void break_off() { malformed_ = true; }
  /// Adds the reason for a file that does not exist. Nothing else may be called then.
  void miss() { reasons_.add("samples_csv_missing"); }
  /// Ends the file: removes repeated rows and puts devices and samples in order.
  void finish();

  /// What is wrong with the file, each once.
  const Reasons& reasons() const { return reasons_; }
  /// The GPUs, in order of host and index.
  const std::vector<ObservedDevice>& devices() const { return devices_; }
  const ObservedDevice* device(const DeviceKey& key) const;
  /// The number of rows, without repeated ones.
  std::size_t rows() const { return rows_; }
  /// The largest scrape_seq; only if there are rows.
  std::int64_t last_scrape() const { return last_scrape_; }

 private:
  struct Row {
    std::int64_t scrape = 0;
    Sample sample;
    std::size_t uuid = 0;  // in Device::uuids
  };
  struct Device {
    std::vector<std::string> uuids;
    std::vector<Row> rows;
  };

  bool take_sample(std::span<const std::string> row);
  ObservedDevice observed(const DeviceKey& key, Device& device, bool& repeated, bool& backwards);

  bool has_header_ = false, wrong_header_ = false, malformed_ = false;
  std::size_t rows_ = 0;
  std::int64_t last_scrape_ = 0;
  std::map<DeviceKey, Device> by_key_;
  std::vector<ObservedDevice> devices_;
  Reasons reasons_;
};

/// Returns the manifest's observed_devices for these samples.
nlohmann::ordered_json observed_devices_json(const std::vector<ObservedDevice>& devices);

/// Returns what is wrong with the GPUs of the samples: expected_device_missing, unexpected_device,
/// gpu_uuid_changed, conflicting_worker_roles, conflicting_het_groups.
Reasons device_reasons(const std::vector<ExpectedDevice>& expected, const PackageSamples& samples);

}  // namespace sweep::power
