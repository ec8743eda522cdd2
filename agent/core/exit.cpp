#include "agent/core/exit.hpp"

#include <algorithm>
#include <csignal>
#include <iterator>

#include "util/text.hpp"

namespace sweep::agent {

bool may_be_outside_signal(const Ended& how) {
  constexpr int kSignals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
  constexpr int kShellBase = 128;
  return std::any_of(std::begin(kSignals), std::end(kSignals),
                     [&](int number) { return how.signal == number || how.code == kShellBase + number; });
}

Outcome failed_exit(const std::optional<Ended>& how, const std::string& last_line) {
  constexpr std::size_t kMaxReason = 300;
  Outcome out;
  out.kind = OutcomeKind::BenchmarkFailed;
  out.reason = clipped(printable(last_line), kMaxReason);
  if (how) {
    out.exit_code = how->code;
    out.signal = how->signal;
  }
  return out;
}

}  // namespace sweep::agent
