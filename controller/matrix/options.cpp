#include "controller/matrix/options.hpp"

#include <algorithm>
#include <cctype>
#include <limits>
#include <optional>

#include "util/help_layout.hpp"
#include "util/text.hpp"

namespace sweep::matrix {

namespace {

const std::string kHelp = "--help";

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts)
    out += part;
  return out;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Reads an integer as Python's int() does: blanks around it, a sign, digits with single underscores between.
// A value beyond 64 bits becomes INT64_MAX or -INT64_MAX; as a step size it overshoots every range in one
// step, as the exact value would.
std::optional<std::int64_t> to_integer(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0)
    text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0)
    text.remove_suffix(1);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || !is_digit(text.front()) || !is_digit(text.back())) return std::nullopt;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::int64_t value = 0;
  char before = '0';
  for (const char c : text) {
    if (c == '_' ? before == '_' : !is_digit(c)) return std::nullopt;
    before = c;
    if (c == '_') continue;
    const std::int64_t digit = c - '0';
    value = value > (kMost - digit) / 10 ? kMost : value * 10 + digit;
  }
  return negative ? -value : value;
}

// Returns true for "-2" and "-.5", which argparse takes for values, not options.
bool is_negative_number(std::string_view text) {
  if (!text.starts_with('-')) return false;
  text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  if (!std::all_of(whole.begin(), whole.end(), is_digit)) return false;
  if (point == std::string_view::npos) return !whole.empty();
  const std::string_view fraction = text.substr(point + 1);
  return !fraction.empty() && std::all_of(fraction.begin(), fraction.end(), is_digit);
}

class Parser {
 public:
  Parser(const CommandSpec& command, std::span<const std::string> args) : command_(command), args_(args) {
    for (const OptionSpec& option : command.options)
      names_.push_back(option.name);
    names_.push_back(kHelp);
  }

  Expected<Options> parse() {
    SWEEP_TRY(check_ambiguity());
    SWEEP_TRY(take_options());
    if (out_.help) return out_;
    for (; at_ < args_.size(); ++at_)
      unrecognized_.push_back(args_[at_]);
    return finish();
  }

  // Returns the options that the command has, whatever else is in the arguments.
  Options parse_known() {
    static_cast<void>(take_options());
    return out_;
  }

 private:
  Expected<void> take_options() {
    while (at_ < args_.size() && !out_.help) {
      const std::string& arg = args_[at_];
      if (arg == "--") break;
      if (!looks_like_option(arg)) {
        unrecognized_.push_back(arg);
        ++at_;
        continue;
      }
      SWEEP_TRY(take_option(arg));
    }
    return {};
  }

  // Returns the known option that `name` is or abbreviates; std::nullopt if there is none. Fails if it is
  // ambiguous.
  Expected<std::optional<std::string>> resolve(const std::string& name) const {
    if (name == "-h") return kHelp;
    if (std::find(names_.begin(), names_.end(), name) != names_.end()) return name;
    std::vector<std::string> matches;
    for (const std::string& candidate : names_) {
      if (name.starts_with("--") && candidate.starts_with(name)) matches.push_back(candidate);
    }
    if (matches.size() > 1) return fail("ambiguous option: " + name + " could match " + join(matches, ", "));
    if (matches.empty()) return std::nullopt;
    return matches.front();
  }

  // Returns true if argparse takes `arg` for an option, known or not. An argument that begins with a dash and
  // contains a blank is a value, unless it is a known option: --exp-name "-- the new build".
  bool looks_like_option(const std::string& arg) const {
    if (arg.size() < 2 || arg[0] != '-' || is_negative_number(arg)) return false;
    if (arg.find(' ') == std::string::npos) return true;
    const auto name = resolve(arg.substr(0, arg.find('=')));
    return !name || *name;
  }

  // Fails if any option is ambiguous, even one after --help.
  Expected<void> check_ambiguity() const {
    for (const std::string& arg : args_) {
      if (arg == "--") break;
      if (!looks_like_option(arg)) continue;
      SWEEP_TRY(resolve(arg.substr(0, arg.find('='))));
    }
    return {};
  }

  Expected<void> take_option(const std::string& arg) {
    const std::size_t equals = arg.find('=');
    SWEEP_ASSIGN(auto name, resolve(arg.substr(0, equals)));
    ++at_;
    if (!name) {
      unknown_ = unknown_.empty() ? arg.substr(0, equals) : unknown_;
      unrecognized_.push_back(arg);
      return {};
    }
    std::optional<std::string> attached;
    if (equals != std::string::npos) attached = arg.substr(equals + 1);
    if (*name == kHelp) {
      if (attached) return fail("argument -h/--help: ignored explicit argument " + quoted(*attached));
      out_.help = true;
      return {};
    }
    const auto option = std::find_if(command_.options.begin(), command_.options.end(),
                                     [&](const OptionSpec& candidate) { return candidate.name == *name; });
    return take_values(*option, attached);
  }

  Expected<void> take_values(const OptionSpec& option, const std::optional<std::string>& attached) {
    std::vector<std::string> values;
    if (attached) {
      if (option.arity == Arity::Flag) {
        return fail("argument " + option.name + ": ignored explicit argument " + quoted(*attached));
      }
      values.push_back(*attached);
    } else if (option.arity != Arity::Flag) {
      while (at_ < args_.size() && args_[at_] != "--" && !looks_like_option(args_[at_])) {
        values.push_back(args_[at_++]);
        if (option.arity == Arity::One) break;
      }
      if (values.empty()) {
        return fail("argument " + option.name + ": expected " +
                    (option.arity == Arity::One ? "one argument" : "at least one argument"));
      }
    }
    for (const std::string& value : values) {
      SWEEP_TRY(check(option, value));
    }
    if (!option.excludes.empty() && out_.has(option.excludes))
      return fail("argument " + option.name + ": not allowed with argument " + option.excludes);
    out_.set(option.name, std::move(values));
    return {};
  }

  static Expected<void> check(const OptionSpec& option, const std::string& value) {
    if (option.integer && !to_integer(value)) {
      return fail("argument " + option.name + ": invalid int value: " + quoted(value));
    }
    const auto& choices = option.choices;
    if (!choices.empty() && std::find(choices.begin(), choices.end(), value) == choices.end()) {
      return fail("argument " + option.name + ": invalid choice: " + quoted(value) + " (choose from " +
                  join(choices, ", ") + ")");
    }
    return {};
  }

  Expected<Options> finish() const {
    std::vector<std::string> missing;
    for (const OptionSpec& option : command_.options) {
      if (option.required && !out_.has(option.name)) missing.push_back(option.name);
    }
    if (!missing.empty() && unknown_.empty()) {
      return fail("the following arguments are required: " + join(missing, ", "));
    }
    if (unrecognized_.empty()) return out_;
    std::string message = "unrecognized arguments: " + join(unrecognized_, " ");
    if (const auto close = nearest(unknown_, names_)) message += " (did you mean " + *close + "?)";
    return fail(message);
  }

  static std::string quoted(std::string_view text) { return concat({"'", text, "'"}); }

  const CommandSpec& command_;
  std::span<const std::string> args_;
  std::vector<std::string> names_, unrecognized_;
  std::string unknown_;  // the first unknown option
  std::size_t at_ = 0;
  Options out_;
};

// Returns the placeholder for the option's value: CONFIG_FILES for --config-files, or its choices.
std::string metavar(const OptionSpec& option) {
  if (!option.choices.empty()) return concat({"{", join(option.choices, ","), "}"});
  std::string out = option.name.substr(2);
  for (char& c : out)
    c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::string synopsis(const OptionSpec& option) {
  if (option.arity == Arity::Flag) return option.name;
  const std::string value = metavar(option);
  if (option.arity == Arity::One) return concat({option.name, " ", value});
  if (!option.choices.empty()) return concat({option.name, " ", value, " [...]"});
  return concat({option.name, " ", value, " [", value, " ...]"});
}

// Returns the options for the help, each name once. Of two with a name, the last has the help of both.
std::vector<const OptionSpec*> shown_options(const CommandSpec& command) {
  std::vector<const OptionSpec*> out;
  for (auto option = command.options.begin(); option != command.options.end(); ++option) {
    const bool again = std::any_of(option + 1, command.options.end(),
                                   [&](const OptionSpec& later) { return later.name == option->name; });
    if (!again) out.push_back(&*option);
  }
  return out;
}

}  // namespace

const std::vector<std::string>& Options::list(const std::string& name) const {
  static const std::vector<std::string> kNone;
  const auto found = values_.find(name);
  return found == values_.end() ? kNone : found->second;
}

std::string Options::text(const std::string& name) const {
  const std::vector<std::string>& values = list(name);
  return values.empty() ? std::string() : values.front();
}

std::vector<std::int64_t> Options::integers(const std::string& name) const {
  std::vector<std::int64_t> out;
  for (const std::string& value : list(name))
    out.push_back(to_integer(value).value_or(0));
  return out;
}

std::optional<std::int64_t> Options::optional_integer(const std::string& name) const {
  return has(name) ? to_integer(text(name)) : std::nullopt;
}

std::int64_t Options::integer(const std::string& name, std::int64_t fallback) const {
  return has(name) ? to_integer(text(name)).value_or(fallback) : fallback;
}

Expected<Options> parse_options(const CommandSpec& command, std::span<const std::string> args) {
  return Parser(command, args).parse();
}

std::vector<std::string> config_files_in(std::span<const std::string> args) {
  static const CommandSpec kCommand{"", "", {{.name = "--config-files", .arity = Arity::Many, .help = ""}}};
  return Parser(kCommand, args).parse_known().list("--config-files");
}

CommandSpec for_generation(const CommandSpec& command, Generation generation) {
  CommandSpec out = command;
  std::erase_if(out.options,
                [&](const OptionSpec& option) { return option.only && *option.only != generation; });
  return out;
}

std::string usage_text(const CommandSpec& command, std::string_view program) {
  std::string line = concat({"usage: ", program, " ", command.name});
  const std::string indent(7, ' ');
  std::string out;
  const auto put = [&](const std::string& part) {
    if (line.size() + 1 + part.size() > kHelpWidth && line != indent) {
      out += line + "\n";
      line = indent;
    }
    line += " " + part;
  };
  for (const OptionSpec* option : shown_options(command)) {
    const bool required = option->required && !option->only;  // what one generation requires is optional
    const std::string part = synopsis(*option);
    put(required ? part : concat({"[", part, "]"}));
  }
  put("[-h]");
  return out + line + "\n";
}

std::string help_text(const CommandSpec& command, std::string_view program) {
  std::string out = concat({usage_text(command, program), "\n", filled(command.help)});
  if (!command.details.empty()) out += "\n" + filled(command.details);
  out += "\noptions:\n";
  for (const OptionSpec* option : shown_options(command)) {
    const bool twice = std::count_if(command.options.begin(), command.options.end(),
                                     [&](const OptionSpec& other) { return other.name == option->name; }) > 1;
    const bool marked = option->only && !command.only && !twice;
    const std::string_view mark = !marked                                   ? ""
                                  : *option->only == Generation::InferenceX ? " (InferenceX)"
                                                                            : " (InferenceMAX)";
    out += help_entry(concat({"  ", synopsis(*option)}), concat({option->help, mark}));
  }
  out += help_entry("  -h, --help", "show this help and exit");
  if (!command.closing.empty()) out += "\n" + filled(command.closing);
  return out;
}

}  // namespace sweep::matrix
