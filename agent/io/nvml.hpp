// GPUs by NVML, NVIDIA's management library, which comes with the driver.
//
// Rules:
// - it is loaded at run time and never linked: where it is not there, or lacks a function, opening fails with
//   one line, and that is all that happens.
// - what is declared here of its binary interface is NVIDIA's NVML API reference, group by group: structs and
//   numbers that have been the same since driver 470. Newer forms are used where the library has them.
// - calls can hang in the driver for as long as it likes, and can crash. So they are made in the sampling
// process
//   alone (sampler.hpp), never in the agent.
//
// Which GPU an id means:
// - "3": the fourth GPU, in NVML's order (by PCI bus), of those that this process may open. In a cgroup that
//   hides devices CUDA counts the same. CUDA's own order differs only where a node has GPUs of different
//   models and CUDA_DEVICE_ORDER=PCI_BUS_ID is not set.
// - "GPU-8932f937-…": by UUID; like CUDA, also by its beginning where only one GPU has that.
// - "MIG-…": a part of a GPU, by the UUID that NVML gives it. Memory and processes are the part's. Power and
//   energy are measured for whole GPUs alone, which others may be using, so they are left out; utilization is
//   not supported by NVML there, and of the rest what it answers is taken.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "agent/core/gpu_report.hpp"
#include "agent/core/telemetry.hpp"
#include "util/error.hpp"

namespace sweep::agent {

class Nvml {
 public:
  static constexpr const char* kLibrary = "libnvidia-ml.so.1";

  /// Loads and initialises it, which takes seconds on a machine whose driver is not kept loaded. `library`: a
  /// name that the loader looks for, or a path. Fails with why there is none.
  static Expected<Nvml> open(const std::string& library = kLibrary);

  Nvml(Nvml&&) noexcept;
  Nvml& operator=(Nvml&&) noexcept;
  ~Nvml();

  /// The driver's version; empty where it does not say.
  std::string driver_version() const;
  /// How many GPUs there are, those that may not be opened among them.
  Expected<int> count() const;
  /// Name and UUID; with the reason where there is no such GPU.
  GpuFacts facts(const std::string& id);
  /// One sample, stamped `at`. What one call does not give is absent. Fails where there is no such GPU, or it
  /// gives nothing at all.
  Expected<GpuSample> read(const std::string& id, Instant at);

 private:
  struct Library;
  explicit Nvml(std::unique_ptr<Library> library);
  Expected<void*> handle(const std::string& id);
  Expected<void*> by_index(unsigned index) const;
  Expected<void*> by_uuid(const std::string& id) const;

  std::unique_ptr<Library> library_;
  std::map<std::string, void*> handles_;
};

}  // namespace sweep::agent
