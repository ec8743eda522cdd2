// Bugs that can be injected into the simulation, to prove that it finds them.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace sweep::sim {

enum class InjectedBug {
  None,
  AcknowledgeEarly,  // messages are sent before the commit
  ForgetSpool,       // spooled results are lost with their agent
  NoFencing,         // the end of an old attempt is taken for the end of the point's last attempt
  LeaseTwice,        // a lease is sent to a second agent, too
  LoseReplies,       // replies lost in a crash after the commit are not repeated
  KeepCaches,        // a server reports a successful reset but keeps its caches
  DamagePieces,      // pieces of files are changed on their way
  MixFiles,          // files that another attempt may have written too are taken for the attempt's own
};

inline constexpr std::array<std::pair<InjectedBug, std::string_view>, 8> kInjectedBugs = {{
    {InjectedBug::AcknowledgeEarly, "acknowledge-early"},
    {InjectedBug::ForgetSpool, "forget-spool"},
    {InjectedBug::NoFencing, "no-fencing"},
    {InjectedBug::LeaseTwice, "lease-twice"},
    {InjectedBug::LoseReplies, "lose-replies"},
    {InjectedBug::KeepCaches, "keep-caches"},
    {InjectedBug::DamagePieces, "damage-pieces"},
    {InjectedBug::MixFiles, "mix-files"},
}};

inline std::optional<InjectedBug> bug_named(std::string_view word) {
  for (const auto& [bug, name] : kInjectedBugs) {
    if (name == word) return bug;
  }
  return std::nullopt;
}

}  // namespace sweep::sim
