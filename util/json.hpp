// nlohmann's JSON, compiled once. Headers include <nlohmann/json_fwd.hpp>; sources that use a JSON value include this.
//
// basic_json is a template with some thousand lines of member functions. Without the declarations below every source
// that touches a value compiles its own copy of them, which was more than half of the build's time.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

extern template class nlohmann::basic_json<>;
extern template class nlohmann::basic_json<nlohmann::ordered_map>;
extern template class nlohmann::detail::serializer<nlohmann::json>;
extern template class nlohmann::detail::serializer<nlohmann::ordered_json>;

namespace sweep {

/// Returns the value of a JSON text, or a discarded value if the text is not JSON or nests deeper than 64 levels: to
/// copy or to write a value recurses, so a few hundred kilobytes of "[[[[" would otherwise overflow the stack.
nlohmann::json parse_json(std::string_view text);
/// The same, keeping the order of keys.
nlohmann::ordered_json parse_ordered_json(std::string_view text);

}  // namespace sweep
