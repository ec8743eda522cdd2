// Finds secrets in names and texts, so that what is published or printed does not contain them. Pure.
//
// Rule: a name or a text that only might be secret is treated as secret; numbers of tokens and the like are
// not. What is written for people or stored in a journal passes through these functions or through
// recorded.hpp, which is built on them.
#pragma once

#include <string>
#include <string_view>

namespace sweep {

/// Replaces a secret.
inline constexpr std::string_view kSet = "(set)";

/// Returns true if a variable, option or key of this name may hold a secret: one of its words (between '_',
/// '-' and '.') ends in TOKEN, SECRET, PASSWORD, PASS, PWD, APIKEY, CREDENTIALS or similar, or is KEY, AUTH,
/// PIN or similar. Names of files and counts (HF_TOKEN_PATH, --stop-token-ids) are not secret.
bool names_secret(std::string_view name);

/// Returns `text` with "(set)" in place of: user and password in a URL or before @HOST, private keys in PEM,
/// tokens of known form (hf_, sk-, ghp_, AKIA, …), what follows Bearer or an Authorization header, and the
/// values of options, assignments and JSON keys for which names_secret() is true. A reference such as $TOKEN
/// is kept. The result contains nothing else that `text` does not contain.
std::string without_secrets(std::string_view text);

}  // namespace sweep
