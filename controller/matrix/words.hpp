// Splits the text of --sweep-select into words as a shell does. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/error.hpp"

namespace sweep::matrix {

/// Returns the words of `text`, split at blanks as a POSIX shell splits them. Text in '…' is literal. In "…"
/// a backslash escapes only " \ $ and `; outside quotes it escapes any character. Fails if a quote is not
/// closed or `text` ends with a backslash.
Expected<std::vector<std::string>> split_words(std::string_view text);

}  // namespace sweep::matrix
