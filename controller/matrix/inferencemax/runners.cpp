#include "controller/matrix/inferencemax/runners.hpp"

#include <algorithm>

#include "controller/yaml/document.hpp"
#include "util/text.hpp"

namespace sweep::matrix {

namespace {

std::vector<std::string> characters(const std::string& text) {
  std::vector<std::string> out;
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xc0) == 0x80;
    if (continues && !out.empty()) {
      out.back() += c;
    } else {
      out.emplace_back(1, c);
    }
  }
  return out;
}

std::string problem_with(const std::string& type, std::string_view kind) {
  return "the nodes of runner type '" + type + "' must be a list of str, got " + std::string(kind) +
         ": write each name in quotes";
}

// Returns true for null, false and 0, which Python's truth test treats like an empty list.
bool is_empty(const yaml::Value& nodes) {
  return nodes.is(yaml::Kind::Null) || (nodes.is(yaml::Kind::Bool) && !nodes.scalar.truth) ||
         (nodes.is(yaml::Kind::Int) && nodes.scalar.integer == 0);
}

RunnerType read_type(const yaml::Value& key, const yaml::Value& nodes) {
  RunnerType out;
  out.name = python_str(key);
  const auto add = [&out](const yaml::Value& node) {
    if (node.is(yaml::Kind::Text)) {
      out.nodes.push_back(node.text);
    } else {
      out.problem = problem_with(out.name, yaml::python_type(node.kind()));
    }
  };
  if (nodes.is(yaml::Kind::Text)) {
    out.text = nodes.text;
    out.nodes = characters(nodes.text);
  } else if (nodes.is(yaml::Kind::List)) {
    for (const yaml::ValueRef& node : nodes.items)
      add(*node);
  } else if (nodes.is(yaml::Kind::Dict)) {
    for (const yaml::Member& member : nodes.members)
      add(*member.key);
  } else if (!is_empty(nodes)) {
    out.problem = problem_with(out.name, yaml::python_type(nodes.kind()));
  }
  return out;
}

}  // namespace

bool RunnerType::has_node(std::string_view node) const {
  if (!text.empty()) return text.find(node) != std::string::npos;
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

Expected<Runners> Runners::parse(std::string_view text, const std::string& file) {
  const auto document = yaml::parse_document(text);
  if (!document) return fail("Runner config file '" + file + "': " + document.error().message);
  if (!(*document)->is(yaml::Kind::Dict)) {
    return fail("Runner config file '" + file +
                "' must contain a dictionary of the form 'runner-type: [node, …]'");
  }
  Runners out;
  out.file_ = file;
  const auto warn = [&](const yaml::Value& at, const std::string& what) {
    out.warnings_.push_back(file + ":" + std::to_string(at.line) + ": " + what);
  };
  for (const yaml::Member& member : (*document)->members) {
    out.types_.push_back(read_type(*member.key, *member.value));
    const std::string type = "runner type '" + out.types_.back().name + "'";
    if (member.value->is(yaml::Kind::Text))
      warn(*member.key, type +
                            " has a text instead of a list, so each of its characters is a node; write '[" +
                            member.value->text + "]'");
    if (member.value->is(yaml::Kind::Dict))
      warn(*member.key, type +
                            " has a mapping instead of a list, so its keys are taken for nodes; write a list "
                            "of node names");
  }
  for (const yaml::ValueRef& key : (*document)->repeated)
    warn(*key,
         "runner type '" + python_str(*key) + "' occurs twice; only the nodes of the last one are used");
  return out;
}

const RunnerType* Runners::find(std::string_view type) const {
  const auto found =
      std::find_if(types_.begin(), types_.end(), [&](const RunnerType& known) { return known.name == type; });
  return found == types_.end() ? nullptr : &*found;
}

Expected<void> Runners::check_type(const std::string& type) const {
  const RunnerType* found = find(type);
  if (found != nullptr && (!found->nodes.empty() || !found->problem.empty())) return {};
  return fail("Runner '" + type + "' does not exist in runner config '" + file_ +
              "'. Must choose from existing runner types: '" + join(types(), ", ") + "'.");
}

Expected<std::vector<std::string>> Runners::nodes_of(const std::string& type) const {
  SWEEP_TRY(check_type(type));
  const RunnerType* found = find(type);
  if (!found->problem.empty()) return fail("Runner config file '" + file_ + "': " + found->problem);
  return found->nodes;
}

bool Runners::contains(std::string_view label) const {
  return std::any_of(types_.begin(), types_.end(),
                     [&](const RunnerType& type) { return type.name == label || type.has_node(label); });
}

std::vector<std::string> Runners::types() const {
  std::vector<std::string> out;
  for (const RunnerType& type : types_)
    out.push_back(type.name);
  return out;
}

}  // namespace sweep::matrix
