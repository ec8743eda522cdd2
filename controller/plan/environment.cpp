#include "controller/plan/environment.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "controller/profile/benchmark.hpp"
#include "controller/profile/variables.hpp"

namespace sweep {

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t number = 0;
  const char* const last = text.data() + text.size();
  const auto [end, code] = std::from_chars(text.data(), last, number);
  return code == std::errc() && end == last ? std::optional(number) : std::nullopt;
}

const std::string* find_variable(const profile::Variables& variables, const std::string& name) {
  const auto found = std::find_if(variables.rbegin(), variables.rend(),
                                  [&](const auto& variable) { return variable.first == name; });
  return found == variables.rend() ? nullptr : &found->second;
}

profile::Variables shared_environment(const profile::Profile& profile, const Point& point) {
  auto out = profile::variables_of(profile, point);
  auto own = point_environment(point);
  out.reserve(out.size() + own.size() + 2);
  std::move(own.begin(), own.end(), std::back_inserter(out));
  const profile::Recipe* recipe = profile::recipe_of(profile, point);
  if (recipe == nullptr) return out;
  for (const profile::DerivedVariable& derived : profile::derived_variables(*recipe)) {
    const std::string* of = find_variable(out, derived.of);
    const std::int64_t number = of == nullptr ? 0 : whole_number(*of).value_or(0);
    out.emplace_back(derived.name, std::to_string(profile::derived_value(derived, number)));
  }
  return out;
}

}  // namespace sweep
