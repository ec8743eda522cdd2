#include "util/option_names.hpp"

#include <algorithm>
#include <string_view>

#include "util/text.hpp"

namespace sweep {

namespace {

bool is_option(std::string_view argument) {
  if (argument.size() < 2 || argument[0] != '-') return false;
  const char second = argument[1];
  return second != '.' && !(second >= '0' && second <= '9');  // a negative number is a value
}

class Finder {
 public:
  Finder(const std::vector<OptionName>& names, NameMatching matching) : names_(names), matching_(matching) {}

  /// Returns the option that `written`, without its "=VALUE", stands for.
  Expected<const OptionName*> find(const std::string& written) const {
    SWEEP_ASSIGN(const OptionName* const found, named(written));
    if (found == nullptr) return fail(unknown(written));
    if (!found->refused.empty()) return fail(found->name + " is not supported: " + found->refused);
    return found;
  }

  /// Returns true if the argument after an option is its value: it does not look like an option, or this program
  /// has no option of that name, as with the '--seq-lens 1k1k' of --select.
  bool is_value(const std::string& argument) const {
    if (!is_option(argument)) return true;
    if (argument == "--") return false;
    if (argument.find(' ') != std::string::npos) return true;
    const auto found = named(argument.substr(0, argument.find('=')));
    return found && *found == nullptr;
  }

 private:
  // Returns the option, also if it is refused; null if none has that name. Fails if several could be meant.
  Expected<const OptionName*> named(const std::string& written) const {
    const OptionName* const found = exact(written);
    if (found != nullptr) return found;
    if (!written.starts_with("--")) return exact(written.substr(0, 2));  // "-xVALUE"
    if (matching_ == NameMatching::Argparse) return abbreviated(written);
    return nullptr;
  }

  const OptionName* exact(const std::string& name) const {
    const auto found =
        std::find_if(names_.begin(), names_.end(), [&](const OptionName& o) { return o.name == name; });
    return found == names_.end() ? nullptr : &*found;
  }

  // Returns null if no option begins so.
  Expected<const OptionName*> abbreviated(std::string written) const {
    std::replace(written.begin(), written.end(), '_', '-');
    if (const OptionName* found = exact(written)) return found;
    const OptionName* only = nullptr;
    std::vector<std::string> all;
    for (const OptionName& option : names_) {
      if (!option.name.starts_with(written)) continue;
      only = &option;
      all.push_back(option.name);
    }
    if (all.size() > 1)
      return fail("ambiguous option '" + printable(written) + "': it could be " + listed(all, "or"));
    return only;
  }

  std::string unknown(const std::string& written) const {
    std::vector<std::string> known;
    for (const OptionName& option : names_) {
      if (option.refused.empty()) known.push_back(option.name);
    }
    std::string name = written;
    if (matching_ == NameMatching::Argparse) std::replace(name.begin(), name.end(), '_', '-');
    if (!name.starts_with("--") && name.size() > 2) name = "-" + name;        // -model
    const auto near = name.size() > 2 ? nearest(name, known) : std::nullopt;  // any letter is near to another
    return "unknown option '" + printable(written) + "'" + (near ? "; did you mean " + *near + "?" : "");
  }

  const std::vector<OptionName>& names_;
  NameMatching matching_;
};

}  // namespace

Expected<std::vector<std::string>> with_full_names(const std::vector<std::string>& arguments,
                                                   const std::vector<OptionName>& names,
                                                   NameMatching matching) {
  const Finder finder(names, matching);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      out.insert(out.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      break;
    }
    if (!is_option(argument)) {
      out.push_back(argument);
      continue;
    }
    const bool is_long = argument.starts_with("--");
    const std::size_t end = is_long ? std::min(argument.find('='), argument.size()) : argument.size();
    const std::string written = argument.substr(0, end);
    SWEEP_ASSIGN(const OptionName* const option, finder.find(written));
    const bool has_value = end < argument.size() || (!is_long && written != option->name);
    out.push_back(is_long ? option->name + argument.substr(end) : argument);
    if (!option->needs_value || has_value) continue;
    if (i + 1 == arguments.size() || !finder.is_value(arguments[i + 1]))
      return fail(option->name + ": its value is missing");
    ++i;
    if (is_long && is_option(arguments[i]))
      out.back() += "=" + arguments[i];  // else the parser would take the value for an option
    else
      out.push_back(arguments[i]);
  }
  return out;
}

}  // namespace sweep
