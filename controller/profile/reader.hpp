// Reads the values of one profile file. A Table lists the keys that a mapping may have, with a function for
// each.
//
// Rule: only the first error is kept, with file and line; after it every function returns an empty value, so
// that callers check once, at the end.
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

/// The file that is read, the current position in it, and the first error.
struct Reader {
  std::string file;
  std::optional<Error> error;
  std::vector<std::string> path = {};               // keys of the mappings around the current position
  std::map<std::string, std::string> sources = {};  // of each value that was read: "FILE:LINE"

  /// Records that the value of `key`, below `path`, is at `at`.
  void note_source(const std::string& key, const yaml::Value& at);

  /// Sets `error` to "FILE:LINE: what", unless there is an error already.
  void complain(const yaml::Value& at, const std::string& what);
};

/// Returns true for every scalar but null. Its text is what the file says, even if YAML takes it for a
/// boolean or a number (yes, 010, 90).
bool is_text(const yaml::Value& node);
/// Returns the text of a key; empty if the key is not a text.
std::string key_text(const yaml::Value& key);
/// Returns the value as error messages show it: "'text'", "a list", "a mapping", "nothing".
std::string shown(const yaml::Value& node);

std::string read_text(Reader& in, const std::string& key, const yaml::Value& node);
/// Reads an extended regular expression for a line of output, which must not be empty.
std::string read_pattern(Reader& in, const std::string& key, const yaml::Value& node);
Millis read_duration(Reader& in, const std::string& key, const yaml::Value& node);
/// Reads a duration that must not be "none": a lost agent would never be noticed.
Millis read_period(Reader& in, const std::string& key, const yaml::Value& node);
/// Reads a size such as "40G" and returns bytes.
std::int64_t read_bytes(Reader& in, const std::string& key, const yaml::Value& node);
/// Reads yes or no.
bool read_flag(Reader& in, const std::string& key, const yaml::Value& node);
/// Reads a list of texts; a single text is a list of one.
std::vector<std::string> read_texts(Reader& in, const std::string& key, const yaml::Value& node);
/// Reads a number from 0 to 100.
int read_count(Reader& in, const std::string& key, const yaml::Value& node);
/// Reads an absolute path, which means the same on every node.
std::string read_absolute(Reader& in, const std::string& key, const yaml::Value& node);
/// Reads one of `words`; the error names the nearest one.
std::string read_word(Reader& in, const std::string& key, const yaml::Value& node,
                      const std::vector<std::string>& words);

using KeyReader = std::function<void(Reader&, const std::string&, const yaml::Value&)>;
using Table = std::map<std::string, KeyReader>;

/// Reads a mapping with the functions of `table`. `what` names the mapping in messages. A key without a value
/// is ignored.
void read_map(Reader& in, const std::string& what, const yaml::Value& node, const Table& table);

/// Returns true if `name` can be the name of an environment variable.
bool valid_name(const std::string& name);

}  // namespace sweep::profile
