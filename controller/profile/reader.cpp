#include "controller/profile/reader.hpp"

#include <charconv>

#include "controller/profile/duration.hpp"
#include "util/line_pattern.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

constexpr int kMaxRetries = 100;
constexpr std::size_t kMaxPattern = 4096;  // of a text in a Lease

}  // namespace

void Reader::note_source(const std::string& key, const yaml::Value& at) {
  std::string name;
  for (const std::string& part : path)
    name += part + ".";
  sources[name + key] = file + (at.line > 0 ? ":" + std::to_string(at.line) : "");
}

void Reader::complain(const yaml::Value& at, const std::string& what) {
  if (error) return;
  error = Error{file + (at.line > 0 ? ":" + std::to_string(at.line) : "") + ": " + what};
}

bool is_text(const yaml::Value& node) {
  using yaml::Kind;
  return !node.is(Kind::Null) && !node.is(Kind::List) && !node.is(Kind::Dict);
}

std::string key_text(const yaml::Value& key) {
  return is_text(key) ? key.text : "";
}

std::string shown(const yaml::Value& node) {
  if (is_text(node)) return "'" + printable(node.text) + "'";
  if (node.is(yaml::Kind::Dict)) return "a mapping";
  return node.is(yaml::Kind::List) ? "a list" : "nothing";
}

std::string read_text(Reader& in, const std::string& key, const yaml::Value& node) {
  if (is_text(node)) return node.text;
  in.complain(node, "'" + key + "' must be text, got " + shown(node));
  return {};
}

std::string read_pattern(Reader& in, const std::string& key, const yaml::Value& node) {
  std::string text = read_text(in, key, node);
  if (in.error) return text;
  if (text.empty())
    in.complain(node, "'" + key + "' must not be empty; an empty expression matches any line");
  if (text.size() > kMaxPattern)
    in.complain(node, "'" + key + "' has " + std::to_string(text.size()) + " bytes; at most " +
                          std::to_string(kMaxPattern) + " are possible");
  if (const auto pattern = LinePattern::compile(text); !pattern)
    in.complain(node,
                "'" + key + "' is not a regular expression: " + shown(node) + ": " + pattern.error().message);
  return text;
}

Millis read_duration(Reader& in, const std::string& key, const yaml::Value& node) {
  const auto value = is_text(node) ? parse_duration(node.text) : std::nullopt;
  if (!value)
    in.complain(node, "'" + key + "' must be a time such as 90s, 60m, 3h or none, got " + shown(node));
  return value.value_or(Millis(0));
}

Millis read_period(Reader& in, const std::string& key, const yaml::Value& node) {
  const Millis value = read_duration(in, key, node);
  if (!in.error && value.count() <= 0)
    in.complain(node, "'" + key + "' must be more than 0, got " + shown(node));
  return value;
}

std::int64_t read_bytes(Reader& in, const std::string& key, const yaml::Value& node) {
  const auto value = is_text(node) ? parse_size(node.text) : std::nullopt;
  if (!value) in.complain(node, "'" + key + "' must be a size such as 500M, 40G or 1T, got " + shown(node));
  return value.value_or(-1);
}

bool read_flag(Reader& in, const std::string& key, const yaml::Value& node) {
  if (node.is(yaml::Kind::Bool)) return node.scalar.truth;
  in.complain(node, "'" + key + "' must be yes or no, got " + shown(node));
  return false;
}

std::vector<std::string> read_texts(Reader& in, const std::string& key, const yaml::Value& node) {
  if (is_text(node)) return {node.text};
  std::vector<std::string> out;
  if (!node.is(yaml::Kind::List))
    in.complain(node, "'" + key + "' must be a list of texts, got " + shown(node));
  for (const auto& item : node.items) {
    if (!is_text(*item))
      in.complain(*item, "'" + key + "' must be a list of texts, but contains " + shown(*item));
    out.push_back(item->text);
  }
  return out;
}

int read_count(Reader& in, const std::string& key, const yaml::Value& node) {
  int value = -1;
  if (is_text(node)) {
    const std::string& text = node.text;
    const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || rest != text.data() + text.size()) value = -1;
  }
  if (value < 0 || value > kMaxRetries) {
    in.complain(node, "'" + key + "' must be a number from 0 to " + std::to_string(kMaxRetries) + ", got " +
                          shown(node));
  }
  return value;
}

std::string read_absolute(Reader& in, const std::string& key, const yaml::Value& node) {
  std::string path = read_text(in, key, node);
  if (!in.error && !path.starts_with('/'))
    in.complain(node, "'" + key + "' must be an absolute path, got " + shown(node));
  return path;
}

std::string read_word(Reader& in, const std::string& key, const yaml::Value& node,
                      const std::vector<std::string>& words) {
  const std::string text = is_text(node) ? node.text : "";
  for (const std::string& word : words) {
    if (word == text) return word;
  }
  const auto near = nearest(text, words);
  in.complain(node, "'" + key + "' must be " + join(words, " or ") + ", got " + shown(node) +
                        (near ? "; did you mean '" + *near + "'?" : ""));
  return {};
}

void read_map(Reader& in, const std::string& what, const yaml::Value& node, const Table& table) {
  if (node.is(yaml::Kind::Null)) return;
  if (!node.is(yaml::Kind::Dict)) return in.complain(node, what + " must be a mapping, got " + shown(node));
  if (!node.repeated.empty())
    return in.complain(*node.repeated.front(), "key '" + printable(key_text(*node.repeated.front())) +
                                                   "' occurs twice in " + what + "; remove one of them");
  std::vector<std::string> known;
  for (const auto& [key, reader] : table)
    known.push_back(key);
  for (const auto& [name_node, value] : node.members) {
    const std::string key = key_text(*name_node);
    const auto found = table.find(key);
    if (found == table.end()) {
      const auto near = nearest(key, known);
      return in.complain(*name_node,
                         "unknown key '" + printable(key) + "' in " + what + "; " +
                             (near ? "did you mean '" + *near + "'?" : "known: " + join(known, ", ")));
    }
    if (value->is(yaml::Kind::Null)) continue;  // an empty key leaves the default
    if (!value->is(yaml::Kind::Dict)) in.note_source(key, *name_node);
    in.path.push_back(key);
    found->second(in, key, *value);
    in.path.pop_back();
    if (in.error) return;
  }
}

bool valid_name(const std::string& name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
         std::string::npos;
}

}  // namespace sweep::profile
