#include "container/core/import_fault.hpp"

#include <algorithm>
#include <regex>
#include <string>

#include "util/text.hpp"

namespace sweep::container {

namespace {

constexpr int kLastLines = 6;
constexpr std::size_t kMostBytes = 4096;

/// Returns the last kLastLines non-empty lines in lower case, without those that report "permission denied"
/// for a file.
std::string last_lines(std::string_view output) {
  if (output.size() > kMostBytes) output.remove_prefix(output.size() - kMostBytes);
  std::string text = ascii_lower(std::string(output));
  // Progress bars redraw their line after a carriage return.
  std::replace(text.begin(), text.end(), '\r', '\n');
  const auto lines = split(text, '\n');
  std::string out;
  int left = kLastLines;
  for (auto line = lines.rbegin(); line != lines.rend() && left > 0; ++line) {
    if (line->empty()) continue;
    --left;
    if (line->find("permission denied") == std::string::npos) out.insert(0, *line + "\n");
  }
  return out;
}

std::string_view last_line(std::string_view text) {
  while (text.ends_with('\n'))
    text.remove_suffix(1);
  const auto before = text.rfind('\n');
  return before == std::string_view::npos ? text : text.substr(before + 1);
}

bool has_any(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return text.find(word) != std::string::npos; });
}

/// Returns true if the text reports one of the HTTP status codes: "returned error: 404", "HTTP/2 401",
/// "status 403".
bool has_status(const std::string& text, const std::string& codes) {
  const std::regex pattern("(error|code|status|http(/[0-9.]+)?)[:= ]+\\(?(" + codes + ")($|[^0-9a-z])");
  return std::regex_search(text, pattern);
}

}  // namespace

ImportFault import_fault(std::string_view output) {
  const std::string text = last_lines(output);
  if (has_any(text, {"no space left", "disk quota exceeded"})) return ImportFault::DiskFull;
  if (has_any(text, {"unauthorized", "authentication required", "no basic auth credentials", "access denied",
                     "is denied", "denied: ", "403 forbidden", "403 (forbidden"}))
    return ImportFault::Login;
  // Enroot does not print the answer of a registry that uses passwords (Basic).
  if (last_line(text).find("authenticating with user:") != std::string::npos) return ImportFault::Login;
  if (has_status(text, "401|403")) return ImportFault::Login;
  if (has_any(text, {"manifest unknown", "name unknown", "no such image", "404 not found", "404 (not found"}))
    return ImportFault::NoSuchImage;
  // Docker with containerd.
  if (text.find("failed to resolve reference") != std::string::npos &&
      last_line(text).ends_with(": not found"))
    return ImportFault::NoSuchImage;
  return has_status(text, "404") ? ImportFault::NoSuchImage : ImportFault::Unclear;
}

}  // namespace sweep::container
