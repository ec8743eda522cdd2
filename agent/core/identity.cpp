#include "agent/core/identity.hpp"

#include <charconv>
#include <optional>

namespace sweep::agent {

namespace {

constexpr int kMost = 1'000'000;  // the protocol's limit for tasks

std::string text(const std::vector<std::string>& environment, std::string_view name) {
  return look_up(environment, name).value_or("");
}

std::string first_of(const std::vector<std::string>& environment, std::string_view one,
                     std::string_view other) {
  const std::string value = text(environment, one);
  return value.empty() ? text(environment, other) : value;
}

std::optional<int> number(const std::string& value, int least) {
  int out = 0;
  const auto [rest, code] = std::from_chars(value.data(), value.data() + value.size(), out);
  const bool whole = code == std::errc() && rest == value.data() + value.size();
  return whole && out >= least && out <= kMost ? std::optional(out) : std::nullopt;
}

bool names_this_program(const std::vector<std::string>& command) {
  return command.size() == 1 && command[0].substr(command[0].rfind('/') + 1) == "sweep-agent";
}

}  // namespace

wire::Hello identify(const std::vector<std::string>& environment, const std::string& host, std::int64_t pid,
                     const GpuList& gpus, const std::vector<std::string>& command) {
  wire::Hello hello;
  hello.node = text(environment, "SLURMD_NODENAME");
  if (hello.node.empty()) hello.node = host;
  hello.agent = host + ":" + std::to_string(pid);
  hello.pid = pid;
  hello.gpus = gpus.ids;
  hello.version = SWEEP_VERSION;
  if (!names_this_program(command)) hello.command = command;

  const std::string job = text(environment, "SLURM_JOB_ID");
  const std::string step = first_of(environment, "SLURM_STEP_ID", "SLURM_STEPID");
  const auto task = number(text(environment, "SLURM_PROCID"), 0);
  if (job.empty() || step.empty() || !task) return hello;
  hello.agent = job + "." + step + "." + std::to_string(*task);
  hello.job = job;
  hello.step = step;
  hello.task = *task;
  hello.tasks = number(first_of(environment, "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"), 1).value_or(1);
  return hello;
}

}  // namespace sweep::agent
