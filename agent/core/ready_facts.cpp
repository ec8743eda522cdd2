#include "agent/core/ready_facts.hpp"

#include <algorithm>
#include <utility>

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
      job_end_until_(start + patience_),
      asks_job_end_(setup.asks_job_end) {}

wire::Ready ReadyFacts::ready() const {
  wire::Ready ready{job_end_ ? to_unix_ms(*job_end_) : 0, job_sharing_, slurm_version_};
  ready.features = features_;
  ready.gpu_types = gpu_types_;
  ready.partition = partition_;
  ready.gpu_names = gpu_names_;
  return ready;
}

bool ReadyFacts::expect_new_job_end() {
  new_job_end_expected_ = asks_job_end_ && !job_end_pending_;
  return new_job_end_expected_;
}

bool ReadyFacts::on(const JobEndKnown& input) {
  if (std::exchange(new_job_end_expected_, false) && input.end) {
    job_end_ = input.end;
    return true;
  }
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

bool ReadyFacts::expect_node(Instant now) {
  if (node_asked_) return false;
  node_asked_ = true;
  node_until_ = now + patience_;
  return true;
}

void ReadyFacts::expect_gpus(Instant now) {
  if (!gpu_names_ended_) gpus_until_ = now + patience_;
}

bool ReadyFacts::add_gpu_type(const std::string& name) {
  const std::string shown = clipped(printable(name), kMaxName);
  const auto has = [&](const std::vector<std::string>& list) {
    return std::find(list.begin(), list.end(), shown) != list.end();
  };
  if (shown.empty() || has(gpu_names_)) return false;
  gpu_names_.push_back(shown);
  if (!has(gpu_types_)) gpu_types_.push_back(shown);
  return true;
}

bool ReadyFacts::end_gpu_names() {
  gpu_names_ended_ = true;
  return std::exchange(gpus_until_, std::nullopt).has_value();
}

bool ReadyFacts::on_deadline(Instant now) {
  const bool job_end_overdue = job_end_pending_ && now >= job_end_until_;
  const bool node_overdue = node_until_ && now >= *node_until_;
  if (job_end_overdue) on(JobEndKnown{});
  if (node_overdue) on(NodeKnown{});
  const bool gpus_overdue = gpus_until_ && now >= *gpus_until_;
  if (gpus_overdue) end_gpu_names();
  return job_end_overdue || node_overdue || gpus_overdue;
}

std::optional<Instant> ReadyFacts::next_deadline() const {
  const std::optional<Instant> next = gpus_until_ ? earlier(node_until_, *gpus_until_) : node_until_;
  return job_end_pending_ ? earlier(next, job_end_until_) : next;
}

}  // namespace sweep::agent
