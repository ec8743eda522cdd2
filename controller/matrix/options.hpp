// Parses command-line options by the rules of Python's argparse, because scripts that call the Python tool
// rely on them: long options may be abbreviated if unambiguous; if an option is repeated, the last one wins;
// an option with several values takes all arguments up to the next option; --name=value is accepted. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/matrix/generation.hpp"
#include "util/error.hpp"

namespace sweep::matrix {

enum class Arity { Flag, One, Many };

struct OptionSpec {
  std::string name;  // including the two dashes
  Arity arity = Arity::One;
  std::string help;
  bool required = false;
  std::vector<std::string> choices = {};
  bool integer = false;
  std::optional<Generation> only = {};  // the generation of files that the option is for; std::nullopt: both
  std::string excludes = {};            // an option that cannot be given together with this one
};

struct CommandSpec {
  std::string name, help;
  std::vector<OptionSpec> options;         // may have two of a name, for one generation each
  std::string details = {}, closing = {};  // paragraphs of the help text, after `help` and after the options
  std::optional<Generation> only = {};  // the generation of files that the command is for; std::nullopt: both
};

/// Returns the command with only those of its options that are for files of `generation`.
CommandSpec for_generation(const CommandSpec& command, Generation generation);

/// The values of the options. The value of an option that was not given is an empty list, an empty text or
/// false.
class Options {
 public:
  bool help = false;  // true for -h or --help; the other options are then incomplete

  void set(const std::string& name, std::vector<std::string> values) { values_[name] = std::move(values); }
  bool has(const std::string& name) const { return values_.contains(name); }
  const std::vector<std::string>& list(const std::string& name) const;
  /// Returns the values of an integer option.
  std::vector<std::int64_t> integers(const std::string& name) const;
  std::string text(const std::string& name) const;
  /// Returns the value of an integer option; `fallback` if it was not given.
  std::int64_t integer(const std::string& name, std::int64_t fallback) const;
  /// Returns the value of an integer option; std::nullopt if it was not given.
  std::optional<std::int64_t> optional_integer(const std::string& name) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

/// Returns the options in `args`. Fails with argparse's message; for an unknown option it also suggests the
/// most similar known option.
Expected<Options> parse_options(const CommandSpec& command, std::span<const std::string> args);

/// Returns the values of --config-files in arguments that perhaps do not fit any command.
std::vector<std::string> config_files_in(std::span<const std::string> args);

/// Returns "usage: PROGRAM NAME --config-files CONFIG_FILES …", wrapped, with a newline at the end.
std::string usage_text(const CommandSpec& command, std::string_view program);
/// Returns the usage, the command's description, its options and its closing paragraph.
std::string help_text(const CommandSpec& command, std::string_view program);

}  // namespace sweep::matrix
