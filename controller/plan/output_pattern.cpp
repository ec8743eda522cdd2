#include "controller/plan/output_pattern.hpp"

#include <algorithm>

#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::size_t kMostWidth = 10;  // as Slurm's
constexpr const char* kKnown =
    "%j (job), %A and %a (array job and task), %J (job.step), %s (step), %u (user), %x (job name), %% (a "
    "percent sign)";

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

std::string padded(const std::string& text, std::size_t width) {
  if (!is_number(text) || text.size() >= width) return text;
  return std::string(width - text.size(), '0') + text;
}

/// A symbol at the beginning of a text: "%4j".
struct Symbol {
  std::string text;
  char letter = '\0';
  std::size_t width = 0;
};

Symbol symbol_at(const std::string& pattern, std::size_t at) {
  std::size_t end = at + 1;
  std::size_t width = 0;
  for (; end < pattern.size() && pattern[end] >= '0' && pattern[end] <= '9'; ++end)
    width = std::min(width * 10 + static_cast<std::size_t>(pattern[end] - '0'), kMostWidth);
  Symbol out;
  if (end < pattern.size()) out.letter = pattern[end++];
  out.text = pattern.substr(at, end - at);
  out.width = width;
  return out;
}

Error unknown(const std::string& pattern, const Symbol& symbol) {
  const std::string what =
      "cannot use the output directory '" + printable(pattern) + "': '" + printable(symbol.text) + "' ";
  const bool per_task = symbol.letter == 'N' || symbol.letter == 'n' || symbol.letter == 't';
  const std::string why = per_task ? "differs between the tasks of a step, and a sweep has one directory"
                                   : "is not a replacement symbol";
  return Error{what + why + "; known: " + kKnown};
}

/// Returns the value of a symbol; std::nullopt if there is none. The letter is a known one.
std::optional<std::string> value_of(const Symbol& symbol, const PatternValues& values) {
  const auto number = [&](const std::optional<std::string>& text) {
    return text ? std::optional(padded(*text, symbol.width)) : std::nullopt;
  };
  const auto name = [](const std::optional<std::string>& text) {
    return text ? std::optional(file_safe(*text)) : std::nullopt;
  };
  switch (symbol.letter) {
    case 'j':
      return number(values.job);
    case 'J':
      if (!values.job || !values.step) return number(values.job);
      return padded(*values.job, symbol.width) + "." + *values.step;
    case 's':
      return number(values.step);
    case 'A':
      return number(values.array_job ? values.array_job : values.job);
    case 'a':
      return number(values.array_task);
    case 'u':
      return name(values.user);
    default:
      return name(values.job_name);
  }
}

std::string why_missing(char letter, const PatternValues& values) {
  if (letter == 'u') return "the user has no name; use another name";
  if (!values.job) return "there is no Slurm job; use another name, or run inside srun, sbatch or salloc";
  if (letter == 'a') return "job " + *values.job + " is not part of a job array; use %j, or sbatch --array";
  if (letter == 's') return "the number of the step is not known; use %j";
  return "Slurm did not provide it; use %j";
}

}  // namespace

Expected<OutputPath> replace_symbols(const std::string& pattern, const PatternValues& values) {
  OutputPath out;
  for (std::size_t at = 0; at < pattern.size();) {
    if (pattern[at] != '%') {
      out.text += pattern[at++];
      continue;
    }
    const Symbol symbol = symbol_at(pattern, at);
    at += symbol.text.size();
    if (symbol.text == "%%") {
      out.text += '%';
      continue;
    }
    if (symbol.letter == '\0' || std::string("jJsAaux").find(symbol.letter) == std::string::npos)
      return tl::unexpected(unknown(pattern, symbol));
    const auto value = value_of(symbol, values);
    if (!value && out.missing.empty()) {
      out.missing = symbol.text;
      const std::size_t slash = out.text.rfind('/');
      out.known_folder =
          slash == std::string::npos ? "" : out.text.substr(0, std::max<std::size_t>(slash, 1));
    }
    out.text += value.value_or(symbol.text);
  }
  return out;
}

Expected<std::string> path_of_pattern(const std::string& pattern, const PatternValues& values) {
  SWEEP_ASSIGN(auto path, replace_symbols(pattern, values));
  if (path.missing.empty()) return std::move(path.text);
  return fail("cannot use the output directory '" + printable(pattern) + "': " + path.missing +
              " has no value: " + why_missing(path.missing.back(), values));
}

bool has_symbol(const std::string& pattern, char letter) {
  for (std::size_t at = pattern.find('%'); at != std::string::npos; at = pattern.find('%', at)) {
    const Symbol symbol = symbol_at(pattern, at);
    if (symbol.letter == letter) return true;
    at += symbol.text.size();
  }
  return false;
}

std::string pattern_of_path(const std::string& path) {
  std::string out;
  for (const char c : path)
    out.append(c == '%' ? 2 : 1, c);
  return out;
}

}  // namespace sweep
