// Command-line options with argparse's rules, because scripts that call the Python tool rely on them: long
// options may be abbreviated when unambiguous, the last of a repeated option wins, an option that takes
// several values takes all up to the next option, --name=value. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/error.hpp"

namespace sweep::matrix {

enum class Arity { Flag, One, Many };

struct OptionSpec {
  std::string name;  // with the two dashes
  Arity arity = Arity::One;
  std::string help;
  bool required = false;
  std::vector<std::string> choices = {};
  bool integer = false;
};

struct CommandSpec {
  std::string name, help;
  std::vector<OptionSpec> options;
  std::string details = {}, closing = {};  // more on what it does; what stands under the options
};

/// What was given. An option that was not given is an empty list, an empty text or false.
class Options {
 public:
  bool help = false;  // -h or --help: the rest is then incomplete

  void set(const std::string& name, std::vector<std::string> values) { values_[name] = std::move(values); }
  bool has(const std::string& name) const { return values_.contains(name); }
  const std::vector<std::string>& list(const std::string& name) const;
  std::string text(const std::string& name) const;
  /// An integer option, `fallback` when it was not given.
  std::int64_t integer(const std::string& name, std::int64_t fallback) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

/// Fails with argparse's message; one about an unknown option names the nearest known one.
Expected<Options> parse_options(const CommandSpec& command, std::span<const std::string> args);

/// "usage: PROGRAM NAME --config-files CONFIG_FILES …", wrapped, with a newline at the end.
std::string usage_text(const CommandSpec& command, std::string_view program);
/// The usage, what the command does, an entry for each option and what the command closes with.
std::string help_text(const CommandSpec& command, std::string_view program);

}  // namespace sweep::matrix
