#include "controller/profile/workspace_script.hpp"

#include "controller/profile/template.hpp"

namespace sweep::profile {

std::vector<std::string> workspace_scripts(const Point& point) {
  std::vector<std::string> out;
  for (
      const char* path :
      {"benchmarks/single_node/{scenario-dir}/{model-prefix}_{precision}_{hw}_{framework}{spec-suffix}.sh",
       "benchmarks/single_node/{scenario-dir}/{model-prefix}_{precision}_{hw}{framework-suffix}{spec-suffix}.sh",
       "benchmarks/{model-prefix}_{precision}_{hw}{framework-suffix}{spec-suffix}_slurm.sh",
       "benchmarks/{model-prefix}_{precision}_{hw}{framework-suffix}{spec-suffix}_docker.sh"})
    out.push_back(fill_known(path, point));
  return out;
}

std::vector<std::string> workspace_script_command(const Point& point) {
  std::vector<std::string> out = {
      "bash", "-c",
      "for script in \"$@\"; do [ -e \"$script\" ] && exec bash \"$script\"; done\n"
      "echo \"no script of this point is in $PWD; looked for: $*\" >&2\n"
      "exit 127",
      "inferencex-script"};
  for (std::string& script : workspace_scripts(point))
    out.push_back(std::move(script));
  return out;
}

}  // namespace sweep::profile
