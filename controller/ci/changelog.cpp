#include "controller/ci/changelog.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "controller/matrix/inferencex/glob.hpp"
#include "controller/matrix/inferencex/object_reader.hpp"
#include "util/text.hpp"

namespace sweep::ci {

namespace {

using matrix::inferencex::ObjectReader;
using matrix::inferencex::Path;
using matrix::inferencex::shown;
using matrix::inferencex::Subject;
using Name = std::string_view;

constexpr std::array<Name, 8> kEntryKeys = {"config-keys",         "description",  "pr-link",
                                            "evals-only",          "all-evals",    "append-only",
                                            "eval-min-prefill-ep", "scenario-type"};
constexpr std::array<Name, 2> kScenarios = {"fixed-seq-len", "agentic-coding"};

// Returns c of "@@ -a,b +c,d @@"; 0 if the line is no head of a hunk.
int first_line_of_hunk(std::string_view line) {
  const std::size_t plus = line.find(" +");
  if (!line.starts_with("@@ ") || plus == std::string_view::npos) return 0;
  int number = 0;
  std::from_chars(line.data() + plus + 2, line.data() + line.size(), number);
  return number;
}

// Replaces the number behind `mark` in a message, a line of the added text, by the line of the file.
std::string with_file_line(std::string message, std::string_view mark, const AddedLines& added) {
  const std::size_t at = message.find(mark);
  if (at == std::string::npos) return message;
  const std::size_t begin = at + mark.size();
  const std::size_t end = message.find_first_not_of("0123456789", begin);
  std::size_t line = 0;
  std::from_chars(message.data() + begin, message.data() + message.size(), line);
  if (line == 0 || line > added.numbers.size()) return message;
  return message.replace(begin, end - begin, std::to_string(added.numbers[line - 1]));
}

// Returns a list of texts that is not empty.
Expected<std::vector<std::string>> read_texts(const ObjectReader& in, Name name) {
  SWEEP_ASSIGN(const auto items, in.list(name));
  if (items.empty()) return in.problem(name, "must not be empty");
  const Path path(in.path(), name);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i]->is(yaml::Kind::Text))
      return in.subject().problem(*items[i], Path(path, i), "must be text, got " + shown(*items[i]));
    out.push_back(items[i]->text);
  }
  return out;
}

Expected<bool> read_flag(const ObjectReader& in, Name name) {
  if (in.find(name) == nullptr) return false;
  SWEEP_ASSIGN(const auto flag, in.boolean(name));
  return flag.number != 0;
}

Expected<void> read_scenario_types(const ObjectReader& in, ChangelogEntry& out) {
  if (in.given("scenario-type") == nullptr) return {};
  SWEEP_ASSIGN(out.scenario_type, read_texts(in, "scenario-type"));
  for (const std::string& scenario : *out.scenario_type) {
    if (std::find(kScenarios.begin(), kScenarios.end(), scenario) == kScenarios.end())
      return in.problem("scenario-type",
                        "must have 'fixed-seq-len' or 'agentic-coding', got '" + scenario + "'");
  }
  return {};
}

Expected<ChangelogEntry> read_changelog_entry(const yaml::Value& value, const Subject& subject) {
  const Path root;
  const ObjectReader in(value, root, subject, kEntryKeys);
  SWEEP_TRY(in.check_mapping());
  ChangelogEntry out;
  SWEEP_ASSIGN(out.config_keys, read_texts(in, "config-keys"));
  SWEEP_ASSIGN(out.description, read_texts(in, "description"));
  SWEEP_ASSIGN(out.pr_link, in.text("pr-link"));
  SWEEP_ASSIGN(out.evals_only, read_flag(in, "evals-only"));
  SWEEP_ASSIGN(out.all_evals, read_flag(in, "all-evals"));
  SWEEP_ASSIGN(out.append_only, read_flag(in, "append-only"));
  SWEEP_ASSIGN(const auto least_ep, in.optional_integer("eval-min-prefill-ep"));
  if (least_ep && least_ep->number < 1)
    return in.problem("eval-min-prefill-ep", "must be at least 1, got " + std::to_string(least_ep->number));
  if (least_ep) out.eval_min_prefill_ep = least_ep->number;
  SWEEP_TRY(read_scenario_types(in, out));
  SWEEP_TRY(in.check_unknown());
  if (out.append_only && (out.evals_only || out.all_evals || out.eval_min_prefill_ep))
    return in.problem("append-only cannot be combined with eval selection fields");
  return out;
}

}  // namespace

Expected<AddedLines> added_lines(std::string_view diff, const std::string& file) {
  AddedLines out;
  int at = 0;  // line of the newer file; 0: before the first hunk
  bool any = false;
  for (const std::string& line : split(diff, '\n')) {
    if (const int first = first_line_of_hunk(line); first > 0 || line.starts_with("@@ ")) {
      at = std::max(first, 1);
    } else if (at == 0 || line.empty()) {
      continue;
    } else if (line[0] == '-') {
      const std::string content = line.substr(1);
      if (!trimmed(content, " \t\r\f\v").empty())
        return fail("Deletions are not allowed in " + file +
                    ". Only additions to the changelog are permitted. Found deleted line: " + content);
    } else if (line[0] == '+') {
      if (!out.numbers.empty()) out.text += '\n';
      out.text += line.substr(1);
      any = any || !trimmed(std::string_view(line).substr(1), " \t\r\f\v").empty();
      out.numbers.push_back(at++);
    } else if (line[0] == ' ') {
      ++at;
    }
  }
  if (!any) return fail("No additions found in the changelog file.");
  return out;
}

bool ChangelogEntry::has_scenario(std::string_view scenario) const {
  return !scenario_type ||
         std::find(scenario_type->begin(), scenario_type->end(), scenario) != scenario_type->end();
}

Expected<std::vector<ChangelogEntry>> read_changelog(const AddedLines& added, const std::string& file) {
  const auto document = yaml::parse_document(added.text);
  if (!document) return fail(file + ": " + with_file_line(document.error().message, "line ", added));
  const yaml::Value& list = **document;
  if (list.is(yaml::Kind::Null) || (list.is(yaml::Kind::List) && list.items.empty()))
    return fail("No valid YAML entries found in the changelog additions.");
  const auto at_line = [&](const Error& error) {
    return fail(with_file_line(error.message, file + ":", added));
  };
  if (!list.is(yaml::Kind::List))
    return at_line({file + ":" + std::to_string(list.line) +
                    ": the additions must be a list of entries, got " + shown(list)});
  std::vector<ChangelogEntry> out;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const Subject subject{
        file, "Changelog entry " + std::to_string(i + 1) + " of the additions failed validation:"};
    auto entry = read_changelog_entry(*list.items[i], subject);
    if (!entry) return at_line(entry.error());
    out.push_back(*std::move(entry));
  }
  return out;
}

Expected<std::vector<std::string>> resolve_keys(const std::vector<std::string>& patterns,
                                                const std::vector<std::string>& keys) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& key) {
    if (std::find(out.begin(), out.end(), key) == out.end()) out.push_back(key);
  };
  for (const std::string& pattern : patterns) {
    const bool is_pattern = pattern.find('*') != std::string::npos;
    bool found = false;
    for (const std::string& key : keys) {
      if (is_pattern ? !matrix::inferencex::star_matches(pattern, key) : key != pattern) continue;
      found = true;
      add(key);
    }
    if (found) continue;
    const auto near = nearest(pattern, keys);
    const std::string hint = near ? " Did you mean '" + *near + "'?" : "";
    return is_pattern ? fail("No config keys matched the wildcard pattern '" + pattern +
                             "' in master configs." + hint)
                      : fail("Config key '" + pattern + "' not found in master configs." + hint);
  }
  return out;
}

}  // namespace sweep::ci
