// The command line and the end that the benchmarks have in common.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>

#include "benchmarks/bench_machine.hpp"
#include "proto/base/error.hpp"

namespace sweep::bench {

/// Where a benchmark works and where the programs are.
struct Places {
  std::string bin = folder_of_programs();
  std::string dir = bin.substr(0, bin.rfind('/'));
};

/// Adds --dir and --bin; `files` and `programs` say what is there.
inline void add_places(CLI::App& app, Places& places, const std::string& files, const std::string& programs) {
  const auto add = [&](const char* option, std::string& place, const std::string& what) {
    app.add_option(option, place, what)->check(CLI::ExistingDirectory)->transform([](std::string path) {
      return std::filesystem::absolute(path).string();
    });
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
