// Reads the runner file, which maps runner types to the names of their nodes. Pure.
//
// A type may have a plain text or a mapping instead of a list. The Python tools then accept any substring of
// the text as a node, but expand to its single characters; of a mapping they use the keys. Recorded runs
// depend on this behaviour.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/error.hpp"

namespace sweep::matrix {

struct RunnerType {
  std::string name;
  std::vector<std::string> nodes;  // if the file has a text: its characters
  std::string text;                // if the file has a text: that text
  std::string problem;             // why the nodes cannot be used; empty if they can

  /// Returns true if `node` is one of the nodes or, if the file has a text, a substring of it.
  bool has_node(std::string_view node) const;
};

class Runners {
 public:
  /// Returns the runners in the YAML text `text`; `file` is named in messages. Fails if the text is not YAML
  /// or not a mapping. Does not fail if a type's nodes are not texts, because its nodes may never be used:
  /// the reason is stored in RunnerType::problem.
  static Expected<Runners> parse(std::string_view text, const std::string& file);

  /// Returns the type; nullptr if it does not exist.
  const RunnerType* find(std::string_view type) const;
  /// Fails with the contract's message if the type does not exist or has no nodes. Does not fail if its nodes
  /// cannot be used; nodes_of does.
  Expected<void> check_type(const std::string& type) const;
  /// Returns a type's nodes. Fails as check_type does, and if the nodes cannot be used.
  Expected<std::vector<std::string>> nodes_of(const std::string& type) const;
  /// Returns true if `label` is a type or a node of some type.
  bool contains(std::string_view label) const;
  /// Returns the names of the types in the order of the file.
  std::vector<std::string> types() const;
  /// Returns a line "FILE:LINE: text" for each thing in the file that hardly means what it says.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  std::string file_;
  std::vector<RunnerType> types_;
  std::vector<std::string> warnings_;
};

}  // namespace sweep::matrix
