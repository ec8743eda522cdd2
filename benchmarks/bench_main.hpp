// The command line and the end that the benchmarks have in common.
#pragma once

#include <cstdio>
#include <exception>
#include <string>

#include "benchmarks/bench_machine.hpp"
#include "util/command_line.hpp"
#include "util/error.hpp"

namespace sweep::bench {

/// Where a benchmark works and where the programs are.
struct Places {
  std::string bin = folder_of_programs();
  std::string dir = bin.substr(0, bin.rfind('/'));
};

/// Adds --dir and --bin; `files` and `programs` say what is there.
inline void add_places(CommandLine& app, Places& places, const std::string& files,
                       const std::string& programs) {
  const auto add = [&](const char* option, std::string& place, const std::string& what) {
    app.option(option, place, what).existing_directory();
  };
  add("--dir", places.dir, "a folder on a disk, for " + files);
  add("--bin", places.bin, "the folder with " + programs);
}

/// Runs the benchmark `name`; its exit status. What went wrong is said on standard error.
template <class Measure>
int run_benchmark(const char* name, const Measure& measure) {
  try {
    const Expected<void> done = measure();
    if (done) return 0;
    std::fprintf(stderr, "%s: %s\n", name, done.error().message.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
  }
  return 1;
}

}  // namespace sweep::bench
