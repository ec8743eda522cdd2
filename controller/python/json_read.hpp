// Reads JSON as Python's json module does. Safe on untrusted input. Pure.
//
// One pass without recursion, with limits on nesting and on the keys of one object: nlohmann's ordered object
// compares a key with all earlier ones, so an object with a million keys would take hours.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "util/error.hpp"

namespace sweep::python {

/// The maximum number of nested lists and objects.
constexpr std::size_t kMaxJsonDepth = 64;
/// The maximum number of keys in one object.
constexpr std::size_t kMaxJsonKeys = 10'000;
/// The limit that callers pass when they read a JSON file, in bytes.
constexpr std::size_t kMaxJsonBytes = 256u << 20;

enum class ReadDepth {
  All,       // everything
  TopLevel,  // lists and objects inside the outermost value are checked but returned empty
};

/// Returns the value of the JSON text `bytes`. As in Python, NaN, Infinity and -Infinity are numbers, and if
/// an object has a key twice, the last value wins and keeps the position of the first. An escaped unpaired
/// surrogate becomes U+FFFD. Fails if `bytes` is not JSON, with line and column (in bytes), or exceeds a
/// limit above.
Expected<nlohmann::ordered_json> read_json(std::string_view bytes, ReadDepth depth = ReadDepth::All);

}  // namespace sweep::python
