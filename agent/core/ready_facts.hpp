// What an agent finds out about its job and its node before it asks for work, and reports in Ready.
//
// Rules: pure. Ready waits for the answers of Slurm, but only for Limits::job_end: after that the agent works
// without them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/actions.hpp"
#include "agent/core/setup.hpp"

namespace sweep::agent {

class ReadyFacts {
 public:
  ReadyFacts(const Setup& setup, Instant start);

  /// Returns true while an answer is outstanding.
  bool pending() const { return job_end_pending_ || node_until_ || gpus_until_; }
  /// Returns when Slurm ends the job, if known.
  const std::optional<Instant>& job_end() const { return job_end_; }
  wire::Ready ready() const;

  /// Begins to wait for NodeKnown. No-op if it has been awaited before.
  /// Returns true if Slurm has to be asked.
  bool expect_node(Instant now);
  /// Begins to wait for the driver's names of the GPUs, unless they are known or cannot be found out.
  void expect_gpus(Instant now);
  /// True if the driver's names are not awaited (any more) and there are none, so that Slurm has to be asked.
  bool lacks_gpu_names() const { return !gpus_until_ && gpu_names_.empty(); }
  /// Returns true if Slurm has to be asked again when the job ends. Ready does not wait for that answer.
  bool expect_new_job_end();
  /// Take an answer. They return false, and ignore it, if it is not expected or no longer expected.
  bool on(const JobEndKnown& input);
  bool on(const NodeKnown& input);
  /// Adds a GPU type by the driver's name, which may differ from Slurm's. Returns false if `name` is empty or
  /// was added before.
  bool add_gpu_type(const std::string& name);
  /// The driver has reported all names that it has, or reports none. Returns true if that was awaited.
  bool end_gpu_names();

  /// Stops waiting for answers that are overdue. Returns true if there were any.
  bool on_deadline(Instant now);
  std::optional<Instant> next_deadline() const;

 private:
  Millis patience_;
  std::string partition_;
  std::optional<Instant> job_end_;
  bool job_end_pending_;
  Instant job_end_until_;
  bool asks_job_end_;
  bool new_job_end_expected_ = false;
  std::string job_sharing_, slurm_version_;
  std::vector<std::string> features_, gpu_types_, gpu_names_;
  bool node_asked_ = false;
  std::optional<Instant> node_until_;  // the answer about the node is awaited until then
  bool gpu_names_ended_ = false;
  std::optional<Instant> gpus_until_;  // the driver's names are awaited until then
};

}  // namespace sweep::agent
