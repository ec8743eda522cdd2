// Parses MessagePack from a peer, with a limit for how deep values nest: nlohmann's parser recurses for each
// level, so without a limit a few kilobytes of "array of one array of one …" would overflow the stack.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace sweep::wire {

/// Returns the one MessagePack value that `bytes` consist of. Returns a discarded value if the bytes are not
/// MessagePack, end early, have a map key that is not a string, go on after the value, or nest deeper than
/// `max_depth` (a plain number nests 0 deep).
nlohmann::json parse_msgpack(std::string_view bytes, std::size_t max_depth);

/// Returns true if `bytes` start with one complete MessagePack value that nests at most `max_depth` deep. The
/// bytes after it are not checked.
bool nests_within(std::string_view bytes, std::size_t max_depth);

}  // namespace sweep::wire
