// Functions on text, for error messages and file names. Pure.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sweep {

/// Receives a text in pieces, if it is too large to be in memory at once.
using Sink = std::function<void(std::string_view)>;

/// Returns the candidate that is nearest to `word` by edit distance, for "did you mean …?". Two exchanged
/// neighbours are one edit (optimal string alignment).
/// Returns std::nullopt if the distance is more than a third of the word's length (but at least 1 is always
/// allowed).
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> candidates);

/// Returns the parts of `text` between separators. Empty parts are kept: "a,,b" has three parts, "" has one.
std::vector<std::string> split(std::string_view text, char separator);

/// Returns the parts with `separator` between them.
std::string join(std::span<const std::string> parts, std::string_view separator);

/// Returns "a", "a and b" or "a, b and c" if `conjunction` is "and"; "" if there are no parts.
std::string listed(std::vector<std::string> parts, std::string_view conjunction);

/// Returns `text` without the characters of `blanks` at its ends.
std::string_view trimmed(std::string_view text, std::string_view blanks = " \t");

/// Returns `text` on one line: line feeds, tabs and carriage returns as \n, \t and \r, every other control
/// character and every byte that is not valid UTF-8 as '?'. Text from a peer or a benchmark must pass through
/// this before it is printed on a terminal.
std::string printable(std::string_view text);

/// Returns `text`, truncated to at most `max_bytes` bytes, never inside a UTF-8 character.
std::string clipped(std::string_view text, std::size_t max_bytes);

/// Return `text` with its ASCII letters in upper or lower case. Other bytes are unchanged; the locale is
/// ignored.
std::string ascii_upper(std::string text);
std::string ascii_lower(std::string text);

/// Returns the number of characters: UTF-8 code points, not bytes.
std::size_t characters(std::string_view text);

/// Returns `text` with `by` blanks inserted before every line but the first.
std::string indented(std::string_view text, std::size_t by);

/// Returns true if one of the texts is `text`.
bool contains(std::span<const std::string> texts, std::string_view text);

/// Returns "1 point", "2 points" for the noun "point".
std::string counted(std::size_t count, std::string_view noun);

/// Returns `text` as one safe component of a path: each '/', each control character and a leading '.' becomes
/// '_'.
std::string file_safe(std::string_view text);

}  // namespace sweep
