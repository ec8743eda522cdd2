#include "controller/profile/workspace_script.hpp"

#include "controller/profile/template.hpp"

namespace sweep::profile {

std::vector<std::string> workspace_scripts(const Point& point) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& path) { out.push_back(fill_known(path, point)); };
  const std::string name = "{model-prefix}_{precision}_{hw}";
  if (point.inferencex) {
    const std::string folder = "benchmarks/single_node/{scenario-dir}/";
    add(folder + name + "_{framework}{spec-suffix}.sh");
    add(folder + name + "{framework-suffix}{spec-suffix}.sh");
  }
  for (const char* launcher : {"_slurm.sh", "_docker.sh"})
    add("benchmarks/" + name + "{framework-suffix}{spec-suffix}" + launcher);
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
