// How deep MessagePack bytes nest, found without recursion: the parser that follows recurses, and a few
// kilobytes of "array of one array of one …" would otherwise end the process.
#pragma once

#include <cstddef>
#include <string_view>

namespace sweep::wire {

/// Whether `bytes` start with one MessagePack value that is complete and nests at most `limit` deep (a plain
/// number nests 0 deep). Says nothing about what comes after it.
bool nests_within(std::string_view bytes, std::size_t limit);

}  // namespace sweep::wire
