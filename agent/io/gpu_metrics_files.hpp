// Keeps the gpu_metrics.csv of each running attempt on this node's disk, and copies it to the attempt's working directory
// at its end.
//
// A thread reads and writes, because disks and above all network file systems can block for long, and the event loop must
// not. The kept files have no name, so nothing is left behind if the agent dies. One that is stuck in write(2) does not
// keep the process from ending.
#pragma once

#include <functional>
#include <memory>

#include "agent/core/actions.hpp"
#include "proto/net/event_loop.hpp"
#include "util/os/fd.hpp"

namespace sweep::agent {

class GpuMetricsFiles {
 public:
  using OnInput = std::function<void(Input)>;

  /// `loop` must outlive the object. `on_input` gets GpuMetricsLeft.
  GpuMetricsFiles(EventLoop& loop, OnInput on_input) : loop_(loop), on_input_(std::move(on_input)) {}
  ~GpuMetricsFiles();
  GpuMetricsFiles(const GpuMetricsFiles&) = delete;
  GpuMetricsFiles& operator=(const GpuMetricsFiles&) = delete;

  // All three return at once, and are done in their order.
  void keep(KeepGpuSamples what);
  void leave(LeaveGpuMetrics what);
  void drop(DropGpuSamples what);

  /// How many bytes may wait for the disk. If there are more, the file is incomplete and is not left.
  static constexpr std::size_t kMostWaiting = std::size_t{4} << 20;

 private:
  struct Shared;
  static void run(const std::shared_ptr<Shared>& shared);
  bool start();
  void read_answers();

  EventLoop& loop_;
  OnInput on_input_;
  std::shared_ptr<Shared> shared_;
  Fd answered_;  // reading end; readable when there are answers
};

}  // namespace sweep::agent
