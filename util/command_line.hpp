// Options of a program and its --help. The one place that includes CLI11, which takes seconds to compile.
//
// A command line has a description (paragraphs, filled) and a closing text: "Exit status:", "Environment:",
// "Files:", "Examples:", its lines indented by hand. Man pages and completions are generated from the
// resulting --help (docs/man/README.md describes the form they rely on).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sweep {

class CommandLine {
 public:
  /// `name`: the command as a user types it, such as "sweepctl run". Its first word is the prefix of error
  /// messages.
  CommandLine(const std::string& name, const std::string& description, const std::string& closing = {});
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  ~CommandLine();

  /// Settings of one option. Each function returns the option itself.
  class Option {
   public:
    /// Shows `text` as the option's value in --help ("--output DIR").
    Option& value(const std::string& text);
    /// Shows `text` in the usage line in place of the argument's name.
    Option& usage(const std::string& text);
    Option& required();
    /// An empty value is wrong usage: it is usually that of a variable of a script that was not set.
    Option& not_empty();
    Option& one_of(const std::vector<std::string>& words);
    Option& range(std::int64_t low, std::int64_t high);
    Option& existing_file();
    /// The directory must exist; the value becomes an absolute path.
    Option& existing_directory();
    /// The option may be given several times; all values are kept.
    Option& repeatable();
    /// The value is a list separated by commas.
    Option& comma_separated();
    /// --help shows the target's present value as the default.
    Option& show_default();
    /// The option is refused unless `other` is given too.
    Option& needs(Option other);

   private:
    friend class CommandLine;
    explicit Option(void* option) : option_(option) {}
    void* option_;  // a CLI::Option
  };

  /// Adds an option or, if `names` does not begin with a dash, a positional argument. `target` holds the
  /// default and must outlive this object. T: std::string, int, std::int64_t, std::uint64_t, double,
  /// std::optional<std::int64_t>, std::vector<std::string>, std::vector<int>.
  template <class T>
  Option option(const std::string& names, T& target, const std::string& help);
  /// Adds an option without a value, which sets `target` to true; with names like "!--no-x" to false.
  void flag(const std::string& names, bool& target, const std::string& help);
  /// Adds an option with an optional value: `--name` sets `target` to true, `--name=WORD` also `word_target`. Any
  /// other value is an error. The next argument is never the value.
  void flag_or_word(const std::string& name, bool& target, const std::string& word, bool& word_target,
                    const std::string& help);
  /// Adds -V and --version, which print "NAME VERSION".
  void version_flag(const std::string& version);
  /// Reads the command line as Python's argparse and vLLM do: options may be abbreviated and written with '_'
  /// for '-', and if an option without repeatable() is given twice, the last value counts. Without this call,
  /// all of that is an error. Call it before any option is added.
  void like_argparse();
  /// Makes an option that the program does not have an error that says why and what to give instead. `name`
  /// begins with two dashes.
  void refuse(const std::string& name, const std::string& reason);

  /// Returns std::nullopt after a successful parse. Otherwise returns the status to exit with: 0 after
  /// printing --help or --version, 1 if they cannot be printed, 2 after printing what is wrong.
  std::optional<int> parse(const std::vector<std::string>& arguments);

  /// Returns true if the option was given. Only after parse().
  bool given(const std::string& name) const;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace sweep
