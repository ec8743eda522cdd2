// Identifies a process among all processes that share a directory, possibly on several machines.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace sweep::container {

struct ProcessToken {
  std::string host;  // host name, boot and pid namespace, in which `pid` is unique
  pid_t pid = 0;
  std::string start;  // start time in the kernel's clock ticks; empty if there is no such process
  friend bool operator==(const ProcessToken&, const ProcessToken&) = default;
};

/// Returns the token of a process of this machine.
ProcessToken token_of(pid_t pid);

/// Returns the token as text that can be part of a file name.
std::string token_text(const ProcessToken& token);
/// Parses token_text(). Returns std::nullopt for any other text.
std::optional<ProcessToken> token_in(const std::string& text);

enum class Liveness { Alive, Dead, OtherMachine };  // OtherMachine: it cannot be checked from here
Liveness liveness_of(const ProcessToken& token);

}  // namespace sweep::container
