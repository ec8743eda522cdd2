#include "util/interned_string.hpp"

#include <set>

namespace sweep {

namespace {

const std::string* shared(std::string_view text) {
  static std::set<std::string, std::less<>> all;
  const auto found = all.find(text);
  return &*(found == all.end() ? all.emplace(text).first : found);
}

}  // namespace

InternedString::InternedString() {
  static const std::string* const empty = shared("");
  text_ = empty;
}

InternedString::InternedString(std::string_view text) : text_(shared(text)) {}

}  // namespace sweep
