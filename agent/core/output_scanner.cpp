#include "agent/core/output_scanner.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr std::size_t kMaxLine = 4096;
constexpr std::int64_t kMostSteps = 1'000'000'000'000'000;

// Printed by vLLM's API server when it begins, and by uvicorn when it begins to serve. SGLang's first lines
// are not among them, because its engine prints them without a server too.
constexpr std::array<std::string_view, 2> kServerStarts = {"vLLM API server version",
                                                           "Started server process ["};
// Printed by uvicorn (vLLM, trtllm-serve, …), by vLLM also if uvicorn's messages are turned off, and by
// SGLang.
constexpr std::array<std::string_view, 3> kServerReady = {
    "Application startup complete", "Starting vLLM API server ", "The server is fired up and ready to roll"};
// Printed by the serving client when it begins.
constexpr std::string_view kMainRun = "Starting main benchmark run";
constexpr std::array<std::string_view, 2> kClientStarts = {"Starting initial single prompt test run",
                                                           kMainRun};

/// Returns where the first of these texts ends; npos if there is none.
std::size_t find_first(std::string_view line, std::span<const std::string_view> texts) {
  std::size_t end = std::string_view::npos;
  for (const std::string_view words : texts) {
    const std::size_t at = line.find(words);
    if (at != std::string_view::npos) end = std::min(end, at + words.size());
  }
  return end;
}

bool skip(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t value = 0;
  const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || value < 0 || value > kMostSteps) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  return value;
}

// Parses "45/100 [". The bracket shows that the number before it is complete.
std::optional<Bar> parse_count(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto done = take_number(text);
  if (!done || !skip(text, "/")) return std::nullopt;
  const auto total = take_number(text);
  if (!total || *total == 0 || !skip(text, " [")) return std::nullopt;
  return Bar{*done, *total};
}

/// Returns true if a shell that traces its commands (set -x) has printed the line: "+ exit 1".
bool is_shell_trace(std::string_view line) {
  const std::size_t end = line.find_first_not_of('+');
  return end != 0 && end != std::string_view::npos && line[end] == ' ';
}

}  // namespace

namespace {

struct Found {
  Bar bar;
  std::size_t end;  // its offset in the line, after the bracket
};

std::optional<Found> find_bar_in(std::string_view line) {
  for (std::size_t at = line.find('%'); at != std::string_view::npos; at = line.find('%', at + 1)) {
    if (at == 0 || line[at - 1] < '0' || line[at - 1] > '9') continue;
    std::string_view rest = line.substr(at + 1);
    if (skip(rest, "|")) {
      const std::size_t end = rest.find('|');
      if (end == std::string_view::npos) continue;
      rest.remove_prefix(end + 1);
    } else if (!skip(rest, " Completed |")) {
      continue;
    }
    if (const auto bar = parse_count(rest)) return Found{*bar, line.size() - rest.size()};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Bar> find_bar(std::string_view line) {
  const auto found = find_bar_in(line);
  return found ? std::optional(found->bar) : std::nullopt;
}

std::vector<OutputEvent> OutputScanner::feed(std::string_view bytes) {
  std::vector<OutputEvent> seen;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view piece = bytes.substr(0, end);
    line_.append(piece.substr(0, kMaxLine - line_.size()));
    look(seen);  // also at an unfinished line: tqdm ends a bar only when it draws the next one
    if (end == std::string_view::npos) break;
    end_line(seen);
    bytes.remove_prefix(end + 1);
  }
  return seen;
}

void OutputScanner::look(std::vector<OutputEvent>& seen) {
  std::vector<std::pair<std::size_t, OutputEvent>>
      found;  // with the offsets where they end, for the same order as if the bytes came in pieces
  const auto once = [&](bool& reported, std::span<const std::string_view> texts, const OutputEvent& event) {
    const std::size_t end = reported ? std::string_view::npos : find_first(line_, texts);
    if (end == std::string_view::npos) return;
    reported = true;
    found.emplace_back(end, event);
  };
  once(starts_, kServerStarts, ServerStarts{});
  if (!own_ready_) once(ready_, kServerReady, ServerReady{});
  once(client_, kClientStarts, ClientStarts{});
  once(main_run_, std::span(&kMainRun, 1), MainRun{});
  if (const auto bar = find_bar_in(line_); bar && bar->bar != last_bar_) {
    last_bar_ = bar->bar;
    found.emplace_back(bar->end, bar->bar);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [end, sighting] : found)
    seen.push_back(sighting);
}

void OutputScanner::end_line(std::vector<OutputEvent>& seen) {
  if (own_ready_ && !ready_ && own_ready_->matches(line_)) {
    ready_ = true;
    seen.emplace_back(ServerReady{});
  }
  // A message of srun about pyxis' own step only repeats the exit status; it is not the reason of a failure.
  const bool of_srun = line_.starts_with("srun: error: ") && line_.find(": task ") != std::string::npos;
  if (!trimmed(line_).empty() && !find_bar(line_) && !of_srun && !is_shell_trace(line_))
    last_line_ = trimmed(line_);
  line_.clear();
}

std::string OutputScanner::last_line() const {
  const std::string_view current = trimmed(line_);
  return current.empty() || find_bar(current) || is_shell_trace(current) ? last_line_ : std::string(current);
}

}  // namespace sweep::agent
