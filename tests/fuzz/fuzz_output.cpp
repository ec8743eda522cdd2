// libFuzzer target: a benchmark's output, split anywhere.
//
// An input is two bytes that determine how the rest is split, then the output. Properties that are checked in
// addition to the sanitizers:
//
// - pieces give the same sightings as the whole output, in the same order, and leave the same last line;
// - sightings occur in the output: start and readiness of a server and the start of the client once, and
//   progress bars as written there;
// - a bar is reported when it has moved, and not twice in a row;
// - the last line is a single line of bounded length, and not a bar;
// - the scanner's memory does not grow with the output.
#include <sanitizer/allocator_interface.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/output_scanner.hpp"
#include "tests/fuzz/property.hpp"

namespace sweep::fuzz {
namespace {

using namespace sweep::agent;

std::string shown(const std::vector<OutputEvent>& seen) {
  std::string out;
  for (const OutputEvent& sighting : seen) {
    const auto* bar = std::get_if<Bar>(&sighting);
    if (bar != nullptr) out += std::to_string(bar->done) + "/" + std::to_string(bar->total) + " ";
    constexpr const char* kNames[] = {"starts ", "ready ", "client ", "", "main-run "};
    if (bar == nullptr) out += kNames[sighting.index()];
  }
  return out;
}

/// Generates lengths of pieces, from a single byte to `longest` + 1.
class Cutter {
 public:
  Cutter(unsigned char seed, unsigned char longest) : state_(seed), longest_(std::size_t{longest} + 1) {}
  std::size_t next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return 1 + static_cast<std::size_t>(state_ >> 33) % longest_;
  }

 private:
  std::uint64_t state_;
  std::size_t longest_;
};

std::vector<OutputEvent> feed_pieces(OutputScanner& scanner, std::string_view output, Cutter cutter) {
  std::vector<OutputEvent> all;
  while (!output.empty()) {
    const std::string_view piece = output.substr(0, cutter.next());
    const auto seen =
        scanner.feed(std::string(piece));  // a copy, so that the sanitizers detect reads beyond the piece
    all.insert(all.end(), seen.begin(), seen.end());
    output.remove_prefix(piece.size());
  }
  return all;
}

/// Returns true if the bar occurs as "7/10 [" or with leading zeros.
bool is_written(std::string_view output, const Bar& bar) {
  const std::string total = std::to_string(bar.total) + " [", done = std::to_string(bar.done);
  for (std::size_t at = output.find('/'); at != std::string_view::npos; at = output.find('/', at + 1)) {
    std::string_view rest = output.substr(at + 1);
    while (rest.starts_with('0'))
      rest.remove_prefix(1);
    std::size_t first = at;
    while (first > 0 && output[first - 1] >= '0' && output[first - 1] <= '9')
      --first;
    while (first + 1 < at && output[first] == '0')
      ++first;
    if (rest.starts_with(total) && output.substr(first, at - first) == done) return true;
  }
  return false;
}

void check_sightings(std::string_view output, const std::vector<OutputEvent>& seen) {
  int starts = 0, ready = 0, client = 0, main_run = 0;
  const Bar* last = nullptr;
  for (const OutputEvent& sighting : seen) {
    const auto* bar = std::get_if<Bar>(&sighting);
    starts += std::holds_alternative<ServerStarts>(sighting);
    ready += std::holds_alternative<ServerReady>(sighting);
    client += std::holds_alternative<ClientStarts>(sighting);
    main_run += std::holds_alternative<MainRun>(sighting);
    if (bar == nullptr) continue;
    require(bar->done >= 0 && bar->total > 0, "a bar has a total", shown(seen));
    require(is_written(output, *bar), "a bar occurs in the output", shown(seen));
    require(last == nullptr || !(*last == *bar), "a bar that has not moved is not reported again",
            shown(seen));
    last = bar;
  }
  require(starts <= 1 && ready <= 1 && client <= 1, "start and readiness are reported once", shown(seen));
  require(main_run <= client, "the main run is reported once, and only with the client", shown(seen));
  require(main_run == 0 || output.find("Starting main benchmark run") != std::string_view::npos,
          "the output says that the main run begins");
  require(ready == 0 || output.find("Application startup complete") != std::string_view::npos ||
              output.find("fired up and ready to roll") != std::string_view::npos ||
              output.find("Starting vLLM API server ") != std::string_view::npos,
          "the output says that the server is ready");
  require(client == 0 || output.find("Starting ") != std::string_view::npos,
          "the output says that the client runs");
}

void check_last_line(const OutputScanner& scanner) {
  constexpr std::size_t kMaxLine = 4096;
  const std::string line = scanner.last_line();
  require(line.size() <= kMaxLine, "the last line has a bounded length");
  require(line.find_first_of("\r\n") == std::string::npos && !find_bar(line),
          "the last line is a single line and not a bar", line);
  require(line.empty() || (line.find_first_of(" \t") != 0 && line.find_last_of(" \t") != line.size() - 1),
          "the last line is trimmed", line);
}

/// `scanner` must have scanned the output once.
void check_memory(OutputScanner& scanner, std::string_view output) {
  constexpr std::size_t kMost = 32 * 1024;  // two lines, each in a buffer that grows by doubling
  const std::size_t before = __sanitizer_get_current_allocated_bytes();
  for (int i = 0; i < 8; ++i)
    scanner.feed(output);
  const std::size_t after = __sanitizer_get_current_allocated_bytes();
  require(after <= before + kMost, "a scanner does not grow with the output",
          std::to_string(after - before) + " bytes");
}

void check(std::string_view input) {
  if (input.size() < 2) return;
  const Cutter cutter(static_cast<unsigned char>(input[0]), static_cast<unsigned char>(input[1]));
  const std::string_view output = input.substr(2);
  OutputScanner whole, pieces;
  const auto seen = whole.feed(output);
  const auto in_pieces = feed_pieces(pieces, output, cutter);
  require(seen == in_pieces, "pieces give the same sightings as the whole",
          shown(seen) + "| " + shown(in_pieces));
  require(whole.last_line() == pieces.last_line(), "pieces leave the same last line",
          whole.last_line() + " | " + pieces.last_line());
  check_sightings(output, seen);
  check_last_line(whole);
  check_memory(whole, output);
}

}  // namespace
}  // namespace sweep::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sweep::fuzz::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
