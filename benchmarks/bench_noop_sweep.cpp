#include "benchmarks/bench_noop_sweep.hpp"

#include <utility>

#include "util/os/files.hpp"

namespace sweep::bench {

Expected<void> write_noop_matrix(const std::string& path, int points) {
  std::string matrix =
      "bench-fp4-b200-noop:\n  image: none\n  model: noop\n  framework: sglang\n  search-space:\n";
  for (int i = 1; i <= points; ++i) {
    const std::string conc = std::to_string(i);
    matrix += "    - { tp: 1, conc-start: " + conc + ", conc-end: " + conc + " }\n";
  }
  return write_file_atomic(path, matrix);
}

std::vector<std::string> clean_environment(const std::string& home) {
  std::vector<std::string> environment;
  for (std::string& entry : own_environment()) {
    if (entry.starts_with("SLURM_") || entry.starts_with("SWEEP_") || entry.starts_with("HOME=")) continue;
    environment.push_back(std::move(entry));
  }
  environment.push_back("HOME=" + home);
  return environment;
}

SpawnSpec noop_sweep_command(const std::string& bin, const std::string& folder, int log_fd) {
  SpawnSpec spec;
  spec.argv = {bin + "/sweepctl",
               "run",
               "--quiet",
               "--profile",
               folder + "/profile.yaml",
               "--output",
               folder + "/results",
               folder + "/matrix.yaml",
               "--",
               bin + "/bench-noop"};
  spec.environment = clean_environment(folder);
  spec.directory = folder;
  spec.out = spec.err = log_fd;
  return spec;
}

}  // namespace sweep::bench
