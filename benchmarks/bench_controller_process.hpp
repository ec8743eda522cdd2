// A `sweepctl serve` process, started the way the Slurm plugin starts it.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "benchmarks/simulated_agents.hpp"
#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/os/process.hpp"
#include "util/os/signals.hpp"

namespace sweep::bench {

/// `sweepctl serve` for the sweep in a folder that contains profile.yaml and matrix.yaml. The output
/// directory is folder/results. It is killed when this object is destroyed, and ends when this process ends.
class ControllerProcess {
 public:
  ControllerProcess(ControllerProcess&& other) noexcept = default;
  ControllerProcess& operator=(ControllerProcess&&) = delete;
  ~ControllerProcess();

  /// Returns when the controller accepts agents. `bin`: the directory of sweepctl. Fails on a signal in
  /// `signals`.
  static Expected<ControllerProcess> start(const std::string& bin, const std::string& folder,
                                           SignalFd& signals);

  const ConnectInfo& connect_info() const { return connect_info_; }
  /// Returns the pid of the controller itself, which may be a child of a supervisor.
  pid_t pid() const { return pid_; }
  /// Waits until the process has ended. Returns the largest resident set of the controller that was seen in
  /// /proc while waiting, in KiB. Fails if the exit status is not 0.
  Expected<long> finish(SignalFd& signals);

 private:
  ControllerProcess(Child child, Fd lifeline, std::string log)
      : child_(std::move(child)), lifeline_(std::move(lifeline)), log_(std::move(log)) {}
  Expected<void> parse_ready_line(const std::string& line);

  Child child_;
  Fd lifeline_;
  std::string log_;
  ConnectInfo connect_info_;
  pid_t pid_ = -1;
};

}  // namespace sweep::bench
