#include "controller/plan/recipe_check.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include "controller/plan/environment.hpp"
#include "controller/profile/benchmark.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

using Names = std::vector<std::string>;

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Returns the names that stand as $NAME or ${NAME… in a shell command or a text.
std::set<std::string> used_in(const std::string& text) {
  std::set<std::string> out;
  for (std::size_t at = text.find('$'); at != std::string::npos; at = text.find('$', at + 1)) {
    const std::size_t begin = at + (text.compare(at + 1, 1, "{") == 0 ? 2 : 1);
    std::size_t end = begin;
    while (end < text.size() && is_name_character(text[end]))
      ++end;
    if (end > begin) out.insert(text.substr(begin, end - begin));
  }
  return out;
}

/// Fails if a variable of the recipe is derived from one that the point does not have, or that is not a number.
Expected<void> check_derived(const profile::ServerSection& server, const profile::Variables& variables,
                             const Names& known) {
  for (const profile::DerivedVariable& derived : server.derived) {
    const std::string what =
        "the recipe's variable '" + derived.name + "' is derived from '" + derived.of + "', ";
    const std::string* of = find_variable(variables, derived.of);
    if (of == nullptr) {
      const auto near = nearest(derived.of, known);
      return fail(what + "which no point has" + (near ? "; did you mean '" + *near + "'?" : ""));
    }
    if (!whole_number(*of))
      return fail(what + "which is '" + printable(*of) +
                  "', not a whole number; name a variable such as CONC in 'of'");
  }
  return {};
}

/// Checks the variables of a server or role. `what` names it: "the recipe's server".
Expected<void> check_server(const std::string& what, const profile::ServerSection& server,
                            const profile::Variables& variables, const Names& known) {
  for (const std::string& name : server.env) {
    if (contains(known, name)) continue;
    const auto near = nearest(name, known);
    return fail("'env' of " + what + " names the variable '" + name + "', which no point has; " +
                (near ? "did you mean '" + *near + "'?"
                      : "variables that srun passes on need not be named; points have " + join(known, ", ")));
  }
  SWEEP_TRY(check_derived(server, variables, known));
  const std::set<std::string> used = used_in(server.command);
  for (const std::string& name : known) {
    if (used.contains(name) && !contains(server.env, name))
      return fail(what + " uses $" + name + ", but its 'env' does not name " + name +
                  ", so it would be empty; add " + name +
                  " to 'env' (points with different values then get different servers)");
  }
  return {};
}

/// Adds the role and all that it needs, directly or through others.
void add_needed(const profile::Recipe& recipe, const std::string& name, std::set<std::string>& out) {
  if (!out.insert(name).second) return;
  const profile::Role* role = profile::find_role(recipe.roles, name);
  for (const std::string& need : role == nullptr ? Names() : role->needs)
    add_needed(recipe, need, out);
}

/// Fails if a text of `env` contains a variable that nothing sets.
Expected<void> check_texts(const profile::Recipe& recipe, const profile::Role& role, const Names& known) {
  Names possible = known;
  possible.insert(possible.end(), profile::process_variables().begin(), profile::process_variables().end());
  for (const std::string& port : role.ports) {
    possible.push_back(profile::port_variable(port));
    possible.push_back("LEADER_" + profile::port_variable(port));
  }
  for (const profile::Role& other : recipe.roles)
    possible.push_back(profile::address_variable(other.name));
  for (const auto& [name, text] : role.texts) {
    for (const std::string& used : used_in(text)) {
      if (contains(possible, used)) continue;
      const auto near = nearest(used, possible);
      return fail("role " + role.name + ": the value of " + name + " contains $" + used +
                  ", which neither the point nor the agent sets" +
                  (near ? "; did you mean $" + *near + "?" : ""));
    }
  }
  return {};
}

/// Fails if the role uses the address of a role that it does not need: that one might not run yet, or be started again at
/// another address.
Expected<void> check_addresses(const profile::Recipe& recipe, const profile::Role& role) {
  std::set<std::string> used = used_in(role.server.command);
  for (const auto& [name, text] : role.texts)
    used.merge(used_in(text));
  std::set<std::string> needed;
  add_needed(recipe, role.name, needed);
  for (const profile::Role& other : recipe.roles) {
    const std::string variable = profile::address_variable(other.name);
    if (!used.contains(variable) || needed.contains(other.name)) continue;
    return fail("role " + role.name + " uses $" + variable + ", the address of role " + other.name +
                ", but does not need it; add " + other.name + " to its 'needs'");
  }
  return {};
}

Expected<void> check_gang(const profile::Recipe& recipe, const profile::Variables& variables,
                          const Names& known) {
  for (const profile::Role& role : recipe.roles) {
    if (contains(known, profile::address_variable(role.name)))
      return fail("a role cannot be named '" + role.name +
                  "': its address would replace the point's variable " +
                  profile::address_variable(role.name) + "; use another name");
    SWEEP_TRY(check_server("role " + role.name, role.server, variables, known));
    SWEEP_TRY(check_texts(recipe, role, known));
    SWEEP_TRY(check_addresses(recipe, role));
  }
  return {};
}

Expected<void> check_recipe(const profile::Profile& profile, const profile::Recipe& recipe,
                            const Point& point) {
  const profile::Variables variables = shared_environment(profile, point);
  Names known;
  for (const auto& [name, value] : variables)
    known.push_back(name);
  if (recipe.is_gang()) return check_gang(recipe, variables, known);
  return check_server("the recipe's server", recipe.server, variables, known);
}

}  // namespace

Expected<void> check_recipes(const profile::Profile& profile, const std::vector<Point>& points) {
  std::set<const profile::Recipe*> seen;
  for (const Point& point : points) {
    const profile::Recipe* recipe = profile::recipe_of(profile, point);
    if (recipe == nullptr || !seen.insert(recipe).second) continue;
    if (const auto good = check_recipe(profile, *recipe, point); !good) return good;
  }
  return {};
}

}  // namespace sweep
