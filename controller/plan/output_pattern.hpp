// The replacement symbols in the name of an output directory: %j and others, as in Slurm's file names. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "util/error.hpp"

namespace sweep {

/// What the symbols stand for. std::nullopt: it is not known, or there is no such thing.
struct PatternValues {
  std::optional<std::string> job = {};         // %j; with the step %J
  std::optional<std::string> step = {};        // %s
  std::optional<std::string> array_job = {};   // %A; without it, %A is the job
  std::optional<std::string> array_task = {};  // %a
  std::optional<std::string> job_name = {};    // %x
  std::optional<std::string> user = {};        // %u
};

/// A pattern in which symbols have been replaced.
struct OutputPath {
  std::string text;     // symbols without a value are unchanged
  std::string missing;  // the first of them, such as "%j"; "": `text` is a path
  /// The folder above the first component that has such a symbol; "" for the current directory. Only if
  /// `missing` is not "".
  std::string known_folder;
};

/// Replaces the symbols of `pattern`. Numbers are padded with zeros to the width in %4j, at most 10. Fails,
/// naming the known ones, if a symbol is unknown.
Expected<OutputPath> replace_symbols(const std::string& pattern, const PatternValues& values);

/// Returns `pattern` as a path. Fails if a symbol is unknown or has no value; the message says why.
Expected<std::string> path_of_pattern(const std::string& pattern, const PatternValues& values);

/// Returns true if `pattern` has the symbol with this letter, such as %x or %9x.
bool has_symbol(const std::string& pattern, char letter);

/// Returns a pattern that stands for `path`: each % is doubled.
std::string pattern_of_path(const std::string& path);

}  // namespace sweep
