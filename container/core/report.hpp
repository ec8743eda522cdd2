// What the two helpers tell the agent, a line of JSON each: of staging on standard output, of a container on
// the descriptor kNoteFd.
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

/// What stages an image, and how far it is: bytes, 0 of 0 where that is not known.
struct StageProgress {
  std::string what;  // "waiting", "importing", "unpacking", "checking"
  std::int64_t done = 0, total = 0;
  friend bool operator==(const StageProgress&, const StageProgress&) = default;
};

/// It is there. The last line.
struct Staged {
  Runtime runtime = Runtime::None;       // which one it is to be started with
  std::string tool, version;             // its program, and what that says of itself
  std::string image;                     // what to hand to it
  std::int64_t bytes = 0;                // of the image's file; 0: not known
  std::string digest;                    // of its content, with a word for what of it; empty: not known
  std::vector<std::string> environment;  // NAME=value that the image sets, where the runtime does not do that
  friend bool operator==(const Staged&, const Staged&) = default;
};

/// It is not, or a container could not be set up. The last line.
struct Failed {
  bool of_image = false;  // the image's, the benchmark's fault: another node would fare no better
  std::string reason;
  friend bool operator==(const Failed&, const Failed&) = default;
};

using Report = std::variant<StageProgress, Staged, Failed>;

/// Without the newline. Texts are made printable.
std::string line_of(const Report& report);
/// Fails on a line that line_of does not write.
Expected<Report> report_in(std::string_view line);

/// No line is longer.
inline constexpr std::size_t kMaxReportLine = std::size_t{1} << 20;
/// The descriptor on which `sweep-agent --contain` says Failed.
inline constexpr int kNoteFd = 3;

}  // namespace sweep::container
