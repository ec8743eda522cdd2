#include "controller/matrix/selectable.hpp"

#include <algorithm>

#include "util/text.hpp"

namespace sweep::matrix {

namespace {

bool has(const ValueFilter& filter, const std::string& wanted) {
  return std::any_of(filter.present.begin(), filter.present.end(), [&](const std::string& text) {
    return filter.is_prefix ? text.starts_with(wanted) : text == wanted;
  });
}

std::string some_of(std::vector<std::string> names) {
  constexpr std::size_t kMost = 12;
  const std::size_t more = names.size() > kMost ? names.size() - kMost : 0;
  names.resize(names.size() - more);
  return join(names, ", ") + (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

}  // namespace

std::string selectable_values(std::span<const ValueFilter> filters) {
  std::string out;
  for (const ValueFilter& filter : filters) {
    if (filter.wanted.empty()) continue;
    out += (out.empty() ? "; there is " : "; ") + filter.name + " " + some_of(filter.present);
  }
  return out;
}

std::vector<std::string> unused_filters(std::span<const ValueFilter> filters) {
  std::vector<std::string> out;
  for (const ValueFilter& filter : filters) {
    for (const std::string& wanted : filter.wanted) {
      if (has(filter, wanted)) continue;
      const auto near = nearest(wanted, filter.present);
      out.push_back("--" + filter.name + " '" + wanted + "' matches no entry" +
                    (near ? "; did you mean '" + *near + "'?" : "; there is " + some_of(filter.present)));
    }
  }
  return out;
}

}  // namespace sweep::matrix
