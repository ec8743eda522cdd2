#include "tests/sim/exclusivity.hpp"

#include <algorithm>
#include <map>

#include "agent/core/environment.hpp"
#include "tests/sim/checker.hpp"
#include "util/text.hpp"

namespace sweep::sim {

namespace {

bool share_one(const std::string& devices, const std::string& others) {
  if (devices.empty() || others.empty()) return false;
  const auto theirs = split(others, ',');
  const auto mine = split(devices, ',');
  return std::any_of(mine.begin(), mine.end(), [&](const std::string& id) {
    return std::find(theirs.begin(), theirs.end(), id) != theirs.end();
  });
}

}  // namespace

int port_of(const agent::Spawn& what) {
  return std::stoi(look_up(what.environment, "PORT").value_or("0"));
}

std::string devices_of(const agent::Spawn& what) {
  return look_up(what.environment, "CUDA_VISIBLE_DEVICES").value_or("");
}

void check_exclusive(const GpuUser& fresh, const std::vector<GpuUser>& others, int gpus, bool pack) {
  std::map<int, int> held = {{fresh.port, fresh.gpus}};
  for (const GpuUser& other : others) {
    int& here = held[other.port];
    here = std::max(here, other.gpus);
    if (other.port == fresh.port) {
      if (fresh.is_client == other.is_client) violation(fresh.who + " gets the port of " + other.who);
      continue;
    }
    if (!pack) violation(fresh.who + " is started while " + other.who + " runs, without packing");
    if (share_one(fresh.devices, other.devices)) violation(fresh.who + " gets the GPUs of " + other.who);
  }
  int all = 0;
  for (const auto& [port, count] : held)
    all += count;
  if (all > gpus) violation(fresh.who + " is started on more GPUs than the node has");
}

}  // namespace sweep::sim
