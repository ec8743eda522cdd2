// Small pure functions over text that error messages and file names need.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sweep {

/// Where a text goes that is too long to be there as a whole: piece by piece.
using Sink = std::function<void(std::string_view)>;

/// The candidate nearest to `word` by edit distance (Levenshtein), when it is near enough to be what was
/// meant: at most a third of the word's length, and at least 1. Nothing otherwise.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

/// `text` split at every `separator`; empty parts are kept. "a,,b" gives three.
std::vector<std::string> split(std::string_view text, char separator);

/// `parts` with `separator` between.
std::string join(std::span<const std::string> parts, std::string_view separator);

/// `text` with every byte that is a control character, or not part of valid UTF-8, replaced by '?': what
/// a peer or a benchmark wrote may be shown on a terminal only through this.
std::string printable(std::string_view text);

/// `text`, cut to at most `max_bytes` bytes where it is longer, and never inside a character of UTF-8.
std::string clipped(std::string_view text, std::size_t max_bytes);

/// `text` with its ASCII letters in capitals, or in small letters; other bytes stay.
std::string ascii_upper(std::string text);
std::string ascii_lower(std::string text);

/// How many characters `text` has: code points of UTF-8, which bytes that continue one are not.
std::size_t characters(std::string_view text);

/// `text` with `by` blanks before each line but the first.
std::string indented(std::string_view text, std::size_t by);

/// "1 point", "2 points".
std::string counted(std::size_t count, std::string_view noun);

/// Returns `text` as one component of a path: each '/', each control character and a leading '.' becomes '_'.
std::string file_safe(std::string_view text);

}  // namespace sweep
