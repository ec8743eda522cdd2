#include "agent/core/ready_facts.hpp"

#include <algorithm>

#include "util/environment.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kMaxName = 256;  // the protocol's limit for a partition and a GPU type

}  // namespace

ReadyFacts::ReadyFacts(const Setup& setup, Instant start)
    : patience_(setup.limits.job_end),
      partition_(
          clipped(printable(look_up(setup.environment, "SLURM_JOB_PARTITION").value_or("")), kMaxName)),
      job_end_(setup.job_end),
      job_end_pending_(setup.asks_job_end),
      job_end_until_(start + patience_) {}

wire::Ready ReadyFacts::ready() const {
  wire::Ready ready{job_end_ ? to_unix_ms(*job_end_) : 0, job_sharing_, slurm_version_};
  ready.features = features_;
  ready.gpu_types = gpu_types_;
  ready.partition = partition_;
  return ready;
}

bool ReadyFacts::on(const JobEndKnown& input) {
  if (!job_end_pending_) return false;
  job_end_pending_ = false;
  if (input.end) job_end_ = input.end;
  job_sharing_ = printable(input.sharing);
  slurm_version_ = printable(input.slurm);
  return true;
}

bool ReadyFacts::on(const NodeKnown& input) {
  if (!node_until_) return false;
  node_until_.reset();
  features_ = input.features;
  gpu_types_.insert(gpu_types_.end(), input.gpu_types.begin(), input.gpu_types.end());
  return true;
}

bool ReadyFacts::add_gpu_type(const std::string& name) {
  if (name.empty() || std::find(gpu_types_.begin(), gpu_types_.end(), name) != gpu_types_.end()) return false;
  gpu_types_.push_back(clipped(printable(name), kMaxName));
  return true;
}

bool ReadyFacts::on_deadline(Instant now) {
  const bool job_end_overdue = job_end_pending_ && now >= job_end_until_;
  const bool node_overdue = node_until_ && now >= *node_until_;
  if (job_end_overdue) on(JobEndKnown{});
  if (node_overdue) on(NodeKnown{});
  return job_end_overdue || node_overdue;
}

std::optional<Instant> ReadyFacts::next_deadline() const {
  return job_end_pending_ ? earlier(job_end_until_, node_until_) : node_until_;
}

}  // namespace sweep::agent
