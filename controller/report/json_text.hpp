// JSON as Python's json module reads and writes it, safe on input from anybody. Pure.
//
// Reading is one pass without recursion and with caps on depth and on the keys of one object (an ordered
// object finds a key by looking at all of them, so a file of a million keys would take hours).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::report {

constexpr std::size_t kMaxJsonDepth = 64;
constexpr std::size_t kMaxJsonKeys = 10'000;  // of one object
constexpr std::size_t kMaxJsonBytes = 256u << 20;

enum class ReadDepth {
  All,       // everything
  TopLevel,  // lists and objects inside the outermost value are checked, but come back empty
};

/// The value that `bytes` spell. NaN, Infinity and -Infinity are numbers, as Python writes them; an escaped
/// half of a surrogate pair is U+FFFD; of a key that comes twice the last value counts, at the first one's
/// place. Fails on what is no JSON, with the line and column, and beyond the caps above.
Expected<nlohmann::ordered_json> read_json(std::string_view bytes, ReadDepth depth = ReadDepth::All);

/// json.dumps(value, indent=indent): everything beyond ASCII as \uXXXX, floats by their shortest digits, no
/// newline at the end. A negative indent gives one line with ", " and ": ". Bytes that are not UTF-8 become
/// U+FFFD.
std::string python_json(const nlohmann::ordered_json& value, int indent);

/// The same, added to `out`, as it stands `level` containers deep.
void append_python_json(std::string& out, const nlohmann::ordered_json& value, int indent, int level);

}  // namespace sweep::report
