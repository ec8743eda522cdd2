#include "controller/plan/gang.hpp"

#include "controller/plan/hardware.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

std::int64_t gpus_per_node(const std::string& hardware) {
  constexpr std::int64_t kGraceBlackwell = 4, kOther = 8;
  return gpu_model(hardware).starts_with("gb") ? kGraceBlackwell : kOther;
}

std::int64_t rounded_up(std::int64_t number, std::int64_t by) {
  return (number + by - 1) / by;
}

std::int64_t nodes_of(const WorkerGroup& group, const std::string& runner) {
  const std::int64_t on_node = gpus_per_node(group.hardware.empty() ? runner : group.hardware);
  const std::int64_t each = group.each.gpus();
  return each >= on_node ? group.workers * rounded_up(each, on_node)
                         : rounded_up(group.workers * each, on_node);
}

bool has_same_hardware(const WorkerGroups& groups) {
  return groups.prefill.hardware == groups.decode.hardware;
}

}  // namespace

bool is_gang(const Point& point) {
  return point.inferencex && point.inferencex->workers;
}

int nodes_needed(const Point& point) {
  if (!is_gang(point)) return 1;
  const WorkerGroups& groups = *point.inferencex->workers;
  const std::string& hardware = groups.prefill.hardware.empty() ? point.runner : groups.prefill.hardware;
  if (has_same_hardware(groups) && point.inferencex->gpus() <= gpus_per_node(hardware)) return 1;
  return static_cast<int>(nodes_of(groups.prefill, point.runner) + nodes_of(groups.decode, point.runner));
}

std::string gang_text(const Point& point) {
  if (!is_gang(point)) return {};
  const WorkerGroups& groups = *point.inferencex->workers;
  return counted(static_cast<std::size_t>(gpus_needed(point)), "GPU") + " on " +
         counted(static_cast<std::size_t>(nodes_needed(point)), "node") + " for " +
         counted(static_cast<std::size_t>(groups.prefill.workers + groups.decode.workers), "server");
}

}  // namespace sweep
