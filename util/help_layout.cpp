#include "util/help_layout.hpp"

#include <sstream>

#include "util/text.hpp"

namespace sweep {

namespace {

// Returns one paragraph, filled.
std::string paragraph(const std::string& text, const std::string& indent) {
  std::istringstream words(text);
  std::string out, line = indent;
  for (std::string word; words >> word;) {
    if (line != indent && characters(line) + 1 + characters(word) > kHelpWidth) {
      out += line + "\n";
      line = indent;
    }
    line += (line == indent ? "" : " ") + word;
  }
  return line == indent ? out : out + line + "\n";
}

}  // namespace

std::string filled(std::string_view text, std::size_t indent) {
  const std::string blanks(indent, ' ');
  std::string out, open;
  for (const std::string& line : split(text, '\n')) {
    if (!line.empty() && line.front() != ' ') {
      open += line + " ";
      continue;
    }
    out += paragraph(open, blanks);
    open.clear();
    out += line.empty() ? "\n" : blanks + line + "\n";
  }
  out += paragraph(open, blanks);
  while (out.ends_with("\n\n"))
    out.pop_back();
  return out == "\n" ? "" : out;
}

std::string help_entry(std::string_view name, std::string_view meaning) {
  std::string text = filled(meaning, kHelpColumn);
  const std::size_t length = characters(name);
  if (length + 2 > kHelpColumn || text.empty()) return std::string(name) + "\n" + text;
  return std::string(name) + std::string(kHelpColumn - length, ' ') + text.substr(kHelpColumn);
}

}  // namespace sweep
