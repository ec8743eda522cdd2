// Bugs that can be injected into the simulated driver of the controller, to see that the simulation finds
// them.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace sweep::sim {

enum class InjectedBug {
  None,
  AcknowledgeEarly,  // messages go out before the commit
  ForgetSpool,       // what is in a spool is lost with its agent
  NoFencing,         // the end of an old attempt is taken for that of the point's last
  LeaseTwice,        // a lease goes to a second agent too
  LoseReplies,       // a crash between commit and sending, and nothing is said again
  KeepCaches,        // a server says that it was reset, and was not
};

inline constexpr std::array<std::pair<InjectedBug, std::string_view>, 6> kInjectedBugs = {{
    {InjectedBug::AcknowledgeEarly, "acknowledge-early"},
    {InjectedBug::ForgetSpool, "forget-spool"},
    {InjectedBug::NoFencing, "no-fencing"},
    {InjectedBug::LeaseTwice, "lease-twice"},
    {InjectedBug::LoseReplies, "lose-replies"},
    {InjectedBug::KeepCaches, "keep-caches"},
}};

inline std::optional<InjectedBug> bug_named(std::string_view word) {
  for (const auto& [bug, name] : kInjectedBugs) {
    if (name == word) return bug;
  }
  return std::nullopt;
}

}  // namespace sweep::sim
