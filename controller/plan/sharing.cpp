#include "controller/plan/sharing.hpp"

#include <algorithm>

#include "util/text.hpp"

namespace sweep {

bool is_shared(std::string_view sharing) {
  return !sharing.empty() && sharing != "NO";
}

std::string shared_nodes_text(const std::string& job, const std::string& sharing) {
  return "other jobs may run on the nodes of job " + job + " (OverSubscribe=" + sharing +
         "); submit the job with --exclusive";
}

std::string shared_nodes_note(const Plan& plan, const std::string& job, const std::string& sharing) {
  const auto& ignored = plan.profile.doubts_ignored;
  const bool is_ignored = std::find(ignored.begin(), ignored.end(), "node-shared") != ignored.end();
  if (!is_shared(sharing) || plan.profile.ignore_gpus || is_ignored) return {};
  return printable("results will not be valid (node-shared): " + shared_nodes_text(job, sharing));
}

std::string oversubscribe_in(std::string_view scontrol_output) {
  constexpr std::string_view kName = " OverSubscribe=";
  const auto at = scontrol_output.find(kName);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = scontrol_output.substr(at + kName.size());
  return printable(rest.substr(0, rest.find_first_of(" \t\r\n")));
}

}  // namespace sweep
