#include "util/command_line.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "util/help_layout.hpp"
#include "util/option_names.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr int kWrongUsage = 2;

std::string usage_line(const CLI::App& app, const std::string& name) {
  std::string out = "Usage: " + name + " [OPTION]...";
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const std::string& text = option->get_option_text();
    out += " " + (text.empty() ? option->get_name(true) : text);
  }
  return out + "\n";
}

// Returns "  -h, --help" or "      --output DIR".
std::string names_column(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& letter : option.get_snames())
    names.push_back("-" + letter);
  for (const std::string& word : option.get_lnames())
    names.push_back("--" + word);
  std::string text = (option.get_snames().empty() ? "      " : "  ") + join(names, ", ");
  const std::string& shown = option.get_option_text();
  if (option.get_type_size() == 0 || option.get_items_expected_max() == 0) return text + shown;  // a flag
  return text + " " + (shown.empty() ? option.get_type_name() : shown);
}

class HelpFormatter : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode) const override {
    std::string arguments, options;
    for (const CLI::Option* option : app->get_options()) {
      if (option->get_positional())
        arguments += help_entry("  " + option->get_name(true), option->get_description());
      else
        options += help_entry(names_column(*option), option->get_description());
    }
    std::string out = usage_line(*app, name) + "\n" + filled(app->get_description());
    if (!arguments.empty()) out += "\nArguments:\n" + arguments;
    out += "\nOptions:\n" + options;
    if (!app->get_footer().empty()) out += "\n" + filled(app->get_footer());
    return out;
  }
};

// Returns the arguments in reverse order, as CLI11 wants them. CLI11 does not accept an empty value after
// '=', so "--option=" becomes two arguments.
std::vector<std::string> for_cli11(const std::vector<std::string>& arguments) {
  std::vector<std::string> out;
  for (const std::string& argument : arguments) {
    const bool empty_value = argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    out.push_back(empty_value ? argument.substr(0, argument.size() - 1) : argument);
    if (empty_value) out.emplace_back();
  }
  return {out.rbegin(), out.rend()};
}

CLI::Option& cli(void* option) {
  return *static_cast<CLI::Option*>(option);
}

// A value that cannot be used. Not an error of CLI11, which would put its own words around ours.
struct WrongValue : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Returns the digits of a whole number as Python's int() reads them: "+5" is 5, "010" is 10, "1_000" is 1000.
// Returns "" if `text` is not a whole number.
std::string whole_digits(std::string_view text) {
  text = trimmed(text, " ");
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    const bool between = text[i] == '_' && i > 0 && text[i - 1] != '_' && i + 1 < text.size();
    if (!digit && !between) return {};
    if (digit) digits += text[i];
  }
  if (digits.empty()) return {};
  digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - 1));
  return (negative && digits != "0" ? "-" : "") + digits;
}

// Returns "; give 100" if `text` is a whole number in another notation, such as 1e2; otherwise what to give.
std::string whole_remedy(const std::string& text) {
  constexpr double kLargest = 1e15;  // all whole numbers up to here are exact
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(std::fabs(value) < kLargest) || value != std::floor(value))
    return "; give digits only, such as 100";
  return "; give " + std::to_string(static_cast<long long>(value));
}

// Returns a whole number in the notation that CLI11 reads as decimal. Throws WrongValue.
template <class T>
std::string checked_whole(const std::string& option, const std::string& text) {
  const std::string digits = whole_digits(text);
  if (digits.empty()) throw WrongValue(option + " " + text + ": not a whole number" + whole_remedy(text));
  T value{};
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (code == std::errc() && end == digits.data() + digits.size()) return digits;
  throw WrongValue(option + " " + text + ": out of range; give a number from " +
                   std::to_string(std::numeric_limits<T>::min()) + " to " +
                   std::to_string(std::numeric_limits<T>::max()));
}

// Returns `text`. Throws WrongValue if it is not a number.
std::string checked_number(const std::string& option, const std::string& text) {
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  if (text.empty() || end == text.c_str() || *end != '\0')
    throw WrongValue(option + " " + text + ": not a number; give one such as 0.5");
  return text;
}

// The type of one value of a target.
template <class T>
struct Element {
  using Type = T;
};
template <class T>
struct Element<std::optional<T>> {
  using Type = T;
};
template <class T>
struct Element<std::vector<T>> {
  using Type = T;
};

// Checks the values of a numeric option in our own words before CLI11 converts them.
template <class T>
void check_numbers(CLI::Option& option) {
  using Value = typename Element<T>::Type;
  const std::string name = option.get_name();
  if constexpr (std::is_integral_v<Value>)
    option.transform([name](const std::string& text) { return checked_whole<Value>(name, text); });
  if constexpr (std::is_floating_point_v<Value>)
    option.transform([name](const std::string& text) { return checked_number(name, text); });
}

}  // namespace

struct CommandLine::Parser {
  CLI::App app;
  std::string program;  // prefix of error messages
  NameMatching matching = NameMatching::Exact;
  std::vector<OptionName> refused = {};

  std::vector<OptionName> names() const {
    std::vector<OptionName> out = refused;
    for (const CLI::Option* option : app.get_options()) {
      const bool needs_value = option->get_type_size() != 0 && option->get_items_expected_min() > 0;
      for (const std::string& word : option->get_lnames())
        out.push_back({"--" + word, needs_value});
      for (const std::string& letter : option->get_snames())
        out.push_back({"-" + letter, needs_value});
    }
    return out;
  }
  // Returns the exit status.
  int refuse(const std::string& message) const {
    complain(message + "; see " + app.get_name() + " --help");
    return kWrongUsage;
  }
  void complain(const std::string& message) const {
    static_cast<void>(write_all(STDERR_FILENO, program + ": " + printable(message) + "\n"));
  }
  // Returns the exit status. A closed pipe is not an error: `--help | head`.
  int print(const std::string& text) const {
    const int code = write_all(STDOUT_FILENO, text);
    if (code == 0 || code == EPIPE) return 0;
    complain("cannot write to standard output: " + errno_text(code));
    return 1;
  }
};

CommandLine::CommandLine(const std::string& name, const std::string& description, const std::string& closing)
    : parser_(new Parser{CLI::App(description, name), name.substr(0, name.find(' '))}) {
  parser_->app.footer(closing);
  parser_->app.formatter(std::make_shared<HelpFormatter>());
  parser_->app.set_help_flag("-h,--help", "show this help and exit");
}

CommandLine::~CommandLine() = default;

CommandLine::Option& CommandLine::Option::value(const std::string& text) {
  cli(option_).type_name(text);
  return *this;
}

CommandLine::Option& CommandLine::Option::usage(const std::string& text) {
  cli(option_).option_text(text);
  return *this;
}

CommandLine::Option& CommandLine::Option::required() {
  cli(option_).required();
  return *this;
}

CommandLine::Option& CommandLine::Option::not_empty() {
  const bool positional = cli(option_).get_positional();
  const std::string message =
      cli(option_).get_name() + " is empty; give a value" + (positional ? "" : ", or remove the option");
  cli(option_).check([message](const std::string& text) -> std::string {
    if (text.empty()) throw WrongValue(message);
    return {};
  });
  return *this;
}

CommandLine::Option& CommandLine::Option::one_of(const std::vector<std::string>& words) {
  cli(option_).check(CLI::IsMember(words));
  return *this;
}

CommandLine::Option& CommandLine::Option::range(std::int64_t low, std::int64_t high) {
  cli(option_).check(CLI::Range(low, high));
  return *this;
}

CommandLine::Option& CommandLine::Option::existing_file() {
  cli(option_).check(CLI::ExistingFile);
  return *this;
}

CommandLine::Option& CommandLine::Option::existing_directory() {
  cli(option_).check(CLI::ExistingDirectory)->transform([](const std::string& path) {
    return std::filesystem::absolute(path).string();
  });
  return *this;
}

CommandLine::Option& CommandLine::Option::repeatable() {
  cli(option_).take_all();
  return *this;
}

CommandLine::Option& CommandLine::Option::comma_separated() {
  cli(option_).delimiter(',');
  return *this;
}

CommandLine::Option& CommandLine::Option::show_default() {
  cli(option_).capture_default_str();
  return *this;
}

CommandLine::Option& CommandLine::Option::needs(Option other) {
  cli(option_).needs(&cli(other.option_));
  return *this;
}

template <class T>
CommandLine::Option CommandLine::option(const std::string& names, T& target, const std::string& help) {
  CLI::Option* const option = parser_->app.add_option(names, target, help);
  check_numbers<T>(*option);
  return Option(option);
}

template CommandLine::Option CommandLine::option(const std::string&, std::string&, const std::string&);
template CommandLine::Option CommandLine::option(const std::string&, int&, const std::string&);
template CommandLine::Option CommandLine::option(const std::string&, std::int64_t&, const std::string&);
template CommandLine::Option CommandLine::option(const std::string&, std::uint64_t&, const std::string&);
template CommandLine::Option CommandLine::option(const std::string&, double&, const std::string&);
template CommandLine::Option CommandLine::option(const std::string&, std::optional<std::int64_t>&,
                                                 const std::string&);
template CommandLine::Option CommandLine::option(const std::string&, std::vector<std::string>&,
                                                 const std::string&);
template CommandLine::Option CommandLine::option(const std::string&, std::vector<int>&, const std::string&);

void CommandLine::flag(const std::string& names, bool& target, const std::string& help) {
  parser_->app.add_flag(names, target, help);
}

void CommandLine::flag_or_word(const std::string& name, bool& target, const std::string& word,
                               bool& word_target, const std::string& help) {
  const auto take = [name, word, &target, &word_target](const std::string& value) {
    if (value == word)
      word_target = true;
    else if (value != "true")  // what CLI11 gives a flag without a value
      throw WrongValue(name + "=" + value + ": unknown value; give " + name + " or " + name + "=" + word);
    target = true;
  };
  parser_->app.add_flag(name, help)->option_text("[=" + word + "]")->each(take);
}

void CommandLine::version_flag(const std::string& version) {
  parser_->app.set_version_flag("-V,--version", parser_->app.get_name() + " " + version,
                                "show the version and exit");
}

void CommandLine::like_argparse() {
  parser_->matching = NameMatching::Argparse;
  parser_->app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void CommandLine::refuse(const std::string& name, const std::string& reason) {
  parser_->refused.push_back({name, false, reason});
}

std::optional<int> CommandLine::parse(const std::vector<std::string>& arguments) {
  CLI::App& app = parser_->app;
  const auto full = with_full_names(arguments, parser_->names(), parser_->matching);
  if (!full) return parser_->refuse(full.error().message);
  try {
    app.parse(for_cli11(*full));
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    return parser_->print(app.help());
  } catch (const CLI::CallForVersion& version) {
    return parser_->print(std::string(version.what()) + "\n");
  } catch (const WrongValue& error) {
    return parser_->refuse(error.what());
  } catch (const CLI::ExtrasError& error) {
    const std::vector<std::string> extra = app.remaining();
    return parser_->refuse(extra.empty() ? error.what() : "unexpected argument '" + extra.front() + "'");
  } catch (const CLI::ParseError& error) {
    return parser_->refuse(error.what());
  }
}

bool CommandLine::given(const std::string& name) const {
  return parser_->app.count(name) > 0;
}

}  // namespace sweep
