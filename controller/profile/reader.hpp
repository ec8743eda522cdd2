// Reading one profile file: where we are, what is wrong, and a reader for each kind of value. A table says
// which keys a mapping may have.
//
// Rule: the first thing that is wrong is kept, with file and line; what comes after it yields empty values.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/yaml/document.hpp"
#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep::profile {

/// Where we are in which file; everything that can be wrong is said through complain().
struct Reader {
  std::string file;
  std::optional<Error> error;
  std::vector<std::string> path = {};               // of keys, to where we are
  std::map<std::string, std::string> sources = {};  // of each value that was read: FILE:LINE

  /// Remembers where the value of `key`, below path, stands.
  void note_source(const std::string& key, const yaml::Value& at);

  void complain(const yaml::Value& at, const std::string& what) {
    if (error) return;
    error = Error{file + (at.line > 0 ? ":" + std::to_string(at.line) : "") + ": " + what};
  }
};

/// Whatever YAML takes it for (yes, 010, 90): here it is the text that stands there.
bool is_text(const yaml::Value& node);
/// The text of a key; empty where it is none.
std::string key_text(const yaml::Value& key);
/// The value as an error message shows it.
std::string shown(const yaml::Value& node);

std::string read_text(Reader& in, const std::string& key, const yaml::Value& node);
Millis read_duration(Reader& in, const std::string& key, const yaml::Value& node);
/// For times that must not be none: without them a dead agent would never be noticed.
Millis read_period(Reader& in, const std::string& key, const yaml::Value& node);
/// "40G", "500M", "1T", plain bytes: decimal units, as disks are sold.
std::int64_t read_bytes(Reader& in, const std::string& key, const yaml::Value& node);
/// yes or no.
bool read_flag(Reader& in, const std::string& key, const yaml::Value& node);
/// A list of texts; a single text is a list of one.
std::vector<std::string> read_texts(Reader& in, const std::string& key, const yaml::Value& node);
int read_count(Reader& in, const std::string& key, const yaml::Value& node);
/// A path that means the same on every node, wherever the agent stands.
std::string read_absolute(Reader& in, const std::string& key, const yaml::Value& node);
/// One of a few words.
std::string read_word(Reader& in, const std::string& key, const yaml::Value& node,
                      const std::vector<std::string>& words);

using KeyReader = std::function<void(Reader&, const std::string&, const yaml::Value&)>;
using Table = std::map<std::string, KeyReader>;

/// Reads a mapping by its table; `what` names it in messages. An empty key leaves the default.
void read_map(Reader& in, const std::string& what, const yaml::Value& node, const Table& table);

/// Whether it can be an environment variable's.
bool valid_name(const std::string& name);

}  // namespace sweep::profile
