// Reads GPUs through NVML, NVIDIA's management library, which comes with the driver.
//
// Rules:
// - the library is loaded at run time and never linked. If it is missing, or lacks a function, open() fails
//   with one line, and the agent works without it.
// - its binary interface is declared here, from NVIDIA's NVML API reference: structs and numbers that have
//   been the same since driver 470. Newer functions are used if the library has them.
// - calls may block in the driver for any time, and may crash. They are made only in the sampling process
//   (sampling_process.hpp), never in the agent.
//
// Which GPU an id means:
// - "3": the fourth GPU, in NVML's order (by PCI bus), of those that this process may open. CUDA counts in
//   the same way in a cgroup that hides devices. CUDA's order differs only if a node has GPUs of different
//   models and CUDA_DEVICE_ORDER=PCI_BUS_ID is not set.
// - "GPU-8932f937-…": by UUID; as with CUDA, a prefix suffices if only one GPU has it.
// - "MIG-…": a part of a GPU, by the UUID that NVML gives it. Memory and processes are those of the part.
//   Power and energy are left out, because they are measured only for whole GPUs, which others may be using.
//   NVML does not support utilization there. Other values are used if NVML returns them.
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

  /// Loads and initialises NVML, which takes seconds if the driver is not kept loaded. `library`: a name that
  /// the loader searches, or a path. Fails with the reason.
  static Expected<Nvml> open(const std::string& library = kLibrary);

  Nvml(Nvml&&) noexcept;
  Nvml& operator=(Nvml&&) noexcept;
  ~Nvml();

  /// Returns the driver's version; empty if unknown.
  std::string driver_version() const;
  /// Returns the number of GPUs, including those that may not be opened.
  Expected<int> count() const;
  /// Returns the GPU's name and UUID; or, in `problem`, why there is no such GPU.
  GpuFacts facts(const std::string& id);
  /// Returns one sample with the time `at`. Values that a call does not return are absent. Fails if there is
  /// no such GPU, or none of its values can be read.
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
