// Options and error handling that all benchmark programs share.
#pragma once

#include <cstdio>
#include <exception>
#include <string>

#include "benchmarks/bench_common.hpp"
#include "util/command_line.hpp"
#include "util/error.hpp"

namespace sweep::bench {

/// Directories of a benchmark: `bin` has the programs, `dir` gets its working directory.
struct Directories {
  std::string bin = program_directory();
  std::string dir = bin.substr(0, bin.rfind('/'));
};

/// Adds --dir and --bin. `files` and `programs` describe their contents in --help.
inline void add_directory_options(CommandLine& app, Directories& directories, const std::string& files,
                                  const std::string& programs) {
  app.option("--dir", directories.dir, "directory on a disk for " + files + " (default: the build directory)")
      .existing_directory();
  app.option("--bin", directories.bin,
             "directory with " + programs + " (default: the directory of this program)")
      .existing_directory();
}

/// Runs the benchmark `name` and returns its exit status. Prints errors to standard error.
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
