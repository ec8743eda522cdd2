// What the two helpers report to the agent, one line of JSON each: `sweep-agent --stage` on standard output,
// `sweep-agent --contain` on the descriptor kNoteFd.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "container/core/runtime.hpp"
#include "util/error.hpp"

namespace sweep::container {

/// Progress of staging, in bytes; 0 of 0 if unknown.
struct StageProgress {
  std::string what;  // "waiting", "importing", "unpacking", "checking"
  std::int64_t done = 0, total = 0;
  friend bool operator==(const StageProgress&, const StageProgress&) = default;
};

/// The image is staged. This is the last line.
struct Staged {
  Runtime runtime = Runtime::None;       // the runtime that must start it
  std::string tool, version;             // the runtime's program, and the version that it prints
  std::string image;                     // the image as the runtime takes it
  std::int64_t bytes = 0;                // size of the image's file; 0: unknown
  std::string digest;                    // of the image, with the name of the method; empty: unknown
  std::vector<std::string> environment;  // NAME=value of the image, if the runtime does not set them itself
  friend bool operator==(const Staged&, const Staged&) = default;
};

/// The image could not be staged, or the container could not be set up. This is the last line.
struct Failed {
  bool of_image = false;  // the image or the command is at fault: the same would happen on every node
  std::string reason;
  friend bool operator==(const Failed&, const Failed&) = default;
};

using Report = std::variant<StageProgress, Staged, Failed>;

/// Returns the report as one line without the newline. Texts are made printable.
std::string line_of(const Report& report);
/// Parses a line that line_of() wrote. Returns an error for any other line.
Expected<Report> report_in(std::string_view line);

/// The longest line that a reader accepts, in bytes.
inline constexpr std::size_t kMaxReportLine = std::size_t{1} << 20;
/// The descriptor on which `sweep-agent --contain` writes Failed.
inline constexpr int kNoteFd = 3;

}  // namespace sweep::container
