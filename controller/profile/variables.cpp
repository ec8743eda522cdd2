#include "controller/profile/variables.hpp"

#include "controller/profile/runner.hpp"
#include "controller/profile/template.hpp"
#include "proto/base/env_names.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

void set_variable(Variables& variables, const std::string& name, const std::string& value) {
  for (auto& [known, old] : variables) {
    if (known == name) {
      old = value;
      return;
    }
  }
  variables.emplace_back(name, value);
}

}  // namespace

void read_env(Reader& in, const yaml::Value& node, Variables& variables) {
  if (!node.is(yaml::Kind::Dict))
    return in.complain(node, "'env' must be a mapping NAME: value, got " + shown(node));
  if (!node.repeated.empty())
    return in.complain(*node.repeated.front(), "variable '" + printable(key_text(*node.repeated.front())) +
                                                   "' occurs twice in 'env'; remove one of them");
  for (const auto& [name_node, value] : node.members) {
    const std::string name = key_text(*name_node);
    if (!valid_name(name)) {
      return in.complain(*name_node,
                         "'" + printable(name) +
                             "' is not a valid name of an environment variable; use letters, digits and _");
    }
    if (name.starts_with(SWEEP_ENV_PREFIX)) {
      return in.complain(*name_node, "'" + name +
                                         "': names that begin with " SWEEP_ENV_PREFIX
                                         " are reserved for slurm-sweep");
    }
    const bool empty = value->is(yaml::Kind::Null);
    set_variable(variables, name, empty ? "" : read_text(in, name, *value));
    in.note_source(name, *name_node);
  }
}

Variables variables_of(const Profile& profile, const Point& point) {
  Variables out = profile.env;
  if (const Runner* runner = runner_of(profile, point.runner))
    out.insert(out.end(), runner->env.begin(), runner->env.end());
  for (auto& [name, value] : out)
    value = fill_known(value, point);
  return out;
}

}  // namespace sweep::profile
