#include "controller/cli/help.hpp"

#include "proto/base/help_layout.hpp"
#include "proto/base/text.hpp"

namespace sweep::cli {

namespace {

std::string usage(const CLI::App& app, const std::string& name) {
  std::string out = "Usage: " + name + " [OPTION]...";
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const std::string& text = option->get_option_text();
    out += " " + (text.empty() ? option->get_name(true) : text);
  }
  return out + "\n";
}

// "  -h, --help", "      --output DIR".
std::string names(const CLI::Option& option) {
  std::vector<std::string> out;
  for (const std::string& letter : option.get_snames())
    out.push_back("-" + letter);
  for (const std::string& word : option.get_lnames())
    out.push_back("--" + word);
  std::string text = (option.get_snames().empty() ? "      " : "  ") + join(out, ", ");
  if (option.get_type_size() == 0 || option.get_items_expected_max() == 0) return text;  // a flag
  const std::string& shown = option.get_option_text();
  return text + " " + (shown.empty() ? option.get_type_name() : shown);
}

}  // namespace

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode) const {
  std::string arguments, options;
  for (const CLI::Option* option : app->get_options()) {
    if (option->get_positional())
      arguments += help_entry("  " + option->get_name(true), option->get_description());
    else
      options += help_entry(names(*option), option->get_description());
  }
  std::string out = usage(*app, name) + "\n" + filled(app->get_description());
  if (!arguments.empty()) out += "\nArguments:\n" + arguments;
  out += "\nOptions:\n" + options;
  if (!app->get_footer().empty()) out += "\n" + filled(app->get_footer());
  return out;
}

}  // namespace sweep::cli
