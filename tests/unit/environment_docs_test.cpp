// The table of the variables of a benchmark in docs/reference.md lists exactly those that the controller and the
// agent set.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>

#include "agent/core/environment.hpp"
#include "agent/core/gpus.hpp"
#include "controller/plan/plan.hpp"
#include "tests/unit/plan_sample.hpp"

namespace sweep {
namespace {

using Names = std::set<std::string>;

/// Returns the names in the first column of the table below "### Environment of a benchmark".
Names documented() {
  std::ifstream file(SWEEP_SOURCE_DIR "/docs/reference.md");
  bool inside = false;
  Names out;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) inside = line == "### Environment of a benchmark";
    if (!inside || !line.starts_with("| `")) continue;
    const std::string column = line.substr(0, line.find('|', 1));
    const std::regex name("`([A-Z_]+)`");
    for (std::sregex_iterator found(column.begin(), column.end(), name), end; found != end; ++found)
      out.insert((*found)[1]);
  }
  return out;
}

/// Adds the names of all variables of a benchmark in an empty environment.
void add_names(const Plan& plan, const std::string& gpu_variable, Names& names) {
  const agent::GpuList gpus{{"0", "1", "2", "3"}, gpu_variable};
  for (const std::string& entry :
       agent::benchmark_environment({}, benchmark_environment(plan, 0, "n1"),
                                    agent::gpu_variables(gpus, gpus.ids), 8889, "/workspace"))
    names.insert(entry.substr(0, entry.find('=')));
  const std::string mark = agent::mark_of({plan.points[0].id, 1});
  names.insert(mark.substr(0, mark.find('=')));
}

TEST(EnvironmentTable, ListsEveryVariableOfABenchmark) {
  Plan plan = sample_plan({sample_entry(4, 4)});
  Names names;
  for (const char* variable : {"CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"})
    add_names(plan, variable, names);
  plan.step = container::StepRequest();  // agents in the image
  add_names(plan, "", names);
  // What an attempt with a folder of its own has besides (AgentArtifacts.TheOwnFolderIsNamedByVariables…).
  names.insert({"GPU_METRICS_CSV", "RESULT_DIR", "EVAL_OUTPUT_DIR"});
  EXPECT_EQ(documented(), names);
}

}  // namespace
}  // namespace sweep
