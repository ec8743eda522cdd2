#include "agent/core/survivors.hpp"

#include <algorithm>

#include "util/text.hpp"

namespace sweep::agent {

void Survivors::add(const Attempt& attempt) {
  if (attempt.has_survivors()) all_.push_back({attempt.ref(), attempt.result_path()});
}

void Survivors::on_gone(const AttemptRef& ref) {
  std::erase_if(all_, [&](const Survivor& survivor) { return survivor.ref == ref; });
}

Expected<void> Survivors::check(const std::string& result_path) const {
  const auto found = std::find_if(all_.begin(), all_.end(), [&](const Survivor& survivor) {
    return survivor.result_path == result_path;
  });
  if (found == all_.end()) return {};
  return fail("processes of attempt " + std::to_string(found->ref.attempt) +
              " survived SIGKILL on this node and may still write '" + printable(result_path) +
              "'; end them by hand");
}

}  // namespace sweep::agent
