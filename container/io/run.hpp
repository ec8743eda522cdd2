// Running a program of others to its end, with its output in hand.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "proto/base/error.hpp"
#include "proto/base/time.hpp"
#include "proto/net/process.hpp"

namespace sweep::container {

struct Ran {
  ExitStatus status;
  std::string out;    // the last of both streams, at most 64 KiB
  bool late = false;  // it was killed for taking too long
  bool ok() const { return status.code == 0 && !late; }
};

/// Runs it; `every` is called each `beat` while it lives (nothing: never). The program and all of its group
/// are killed at the end, or after `limit` (0: none). Fails where it cannot be started.
Expected<Ran> run_program(const std::vector<std::string>& argv, const std::vector<std::string>& environment,
                          Millis limit, const std::function<void()>& every = {}, Millis beat = Millis(2'000));

/// "exit status 1: its last words".
std::string how_it_ended(const Ran& ran);

}  // namespace sweep::container
