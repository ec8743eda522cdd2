// The runner file: a mapping from runner type to the names of its nodes. Pure.
//
// A type may also hold a plain text in place of a list. The Python tools then take every part of that text as
// a node when asked for one, and every character when asked for all; recorded runs rest on it, so do we. Of a
// mapping they take the keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/error.hpp"

namespace sweep::matrix {

struct RunnerType {
  std::string name;
  std::vector<std::string> nodes;  // the characters, where the file has a text
  std::string text;                // where the file has a text
  std::string problem;             // why the nodes cannot be used; empty when they can

  bool has_node(std::string_view node) const;
};

class Runners {
 public:
  /// `file` is for messages. Fails when the text is not YAML or not a mapping. A type whose nodes are not
  /// texts is kept with its problem: it matters only to who asks for its nodes.
  static Expected<Runners> parse(std::string_view text, const std::string& file);

  /// Null when there is no such type.
  const RunnerType* find(std::string_view type) const;
  /// Fails with the contract's message when the type does not exist or holds nothing. Nodes that cannot be
  /// used are no failure here: they matter only where an entry asks for them.
  Expected<void> check_type(const std::string& type) const;
  /// A type's nodes. Fails as check_type does, and when they cannot be used.
  Expected<std::vector<std::string>> nodes_of(const std::string& type) const;
  /// Whether `label` is a type or a node of any.
  bool knows(std::string_view label) const;
  /// In the order of the file.
  std::vector<std::string> types() const;

 private:
  std::string file_;
  std::vector<RunnerType> types_;
};

}  // namespace sweep::matrix
