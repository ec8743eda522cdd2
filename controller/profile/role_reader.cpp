#include "controller/profile/role_reader.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "controller/profile/server_reader.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

constexpr std::int64_t kMaxWorkers = 4096, kMaxGpus = 16'384, kMaxNodes = 4096;
constexpr std::size_t kMaxRoles = 64, kMaxName = 32, kMaxPorts = 16;

SectionName name_of(const Role& role) {
  return {"role " + role.name, "role " + role.name + "'s"};
}

bool is_name(const std::string& text) {
  return valid_name(text) && text.size() <= kMaxName &&
         std::none_of(text.begin(), text.end(), [](unsigned char c) { return std::isupper(c) != 0; });
}

/// Reads `env`: names, derived variables, and {NAME: text with $VARIABLES}.
void read_env(Reader& in, const yaml::Value& node, Role& role) {
  if (!node.is(yaml::Kind::List))
    return in.complain(
        node, name_of(role).possessive +
                  " 'env' must be a list of names, such as [MODEL, { ENDPOINT: \"http://$ETCD\" }], got " +
                  shown(node));
  for (const auto& item : node.items) {
    const bool pair = item->is(yaml::Kind::Dict) && item->members.size() == 1;
    if (!pair || !is_text(*item->members[0].value)) {
      read_env_item(in, *item, role.server);
      continue;
    }
    const std::string name = key_text(*item->members[0].key);
    if (!valid_name(name))
      in.complain(*item, "'" + printable(name) + "' is not a valid name of an environment variable");
    if (contains(process_variables(), name))
      in.complain(*item, "the agent sets " + name + " for each process; use another name in " +
                             name_of(role).possessive + " 'env'");
    role.texts[name] = item->members[0].value->text;
  }
}

/// Reads {url: PATH, port: NAME}, {tcp: $PORT} or {log: EXPRESSION}.
void read_ready(Reader& in, const yaml::Value& node, Role& role) {
  ServerSection& server = role.server;
  const std::string what = name_of(role).possessive + " 'ready'";
  const auto read_tcp = [&](Reader& r, const std::string& k, const yaml::Value& n) {
    const std::string text = read_text(r, k, n);
    server.ready_tcp = text == "$PORT" ? "PORT" : text;
  };
  read_map(in, what, node,
           {{"url", [&](auto& r, auto& k, auto& n) { server.ready.path = read_path(r, k, n); }},
            {"port", [&](auto& r, auto& k, auto& n) { server.ready.port = read_text(r, k, n); }},
            {"tcp", read_tcp},
            {"log", [&](auto& r, auto& k, auto& n) { server.ready_log = read_pattern(r, k, n); }}});
  const int ways = (server.ready.path.empty() ? 0 : 1) + (server.ready_log.empty() ? 0 : 1) +
                   (server.ready_tcp.empty() ? 0 : 1);
  const bool port_only = server.ready.path.empty() && !server.ready.port.empty();
  if (!in.error && (ways != 1 || port_only))
    in.complain(node,
                what +
                    " must have one of 'url' (a path that answers 200), 'tcp' (a port that accepts "
                    "connections, such as $PORT) and 'log' (a regular expression for a line of its output)");
}

std::vector<std::string> read_ports(Reader& in, const std::string& key, const yaml::Value& node) {
  std::vector<std::string> ports = read_texts(in, key, node);
  for (const std::string& port : ports) {
    if (!is_name(port))
      in.complain(node, "'" + printable(port) +
                            "' is not a valid name of a port; use lower-case letters, digits and _");
  }
  std::vector<std::string> sorted = ports;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
    in.complain(node, "port '" + *twice + "' occurs twice; remove one of them");
  if (ports.size() > kMaxPorts)
    in.complain(node, "'" + key + "' has " + std::to_string(ports.size()) + " names; at most " +
                          std::to_string(kMaxPorts) + " are possible");
  return ports;
}

Role::Processes read_processes(Reader& in, const std::string& key, const yaml::Value& node) {
  const std::string word = read_word(in, key, node, {"node", "gpu", "worker"});
  return word == "gpu"      ? Role::Processes::Gpu
         : word == "worker" ? Role::Processes::Worker
                            : Role::Processes::Node;
}

Table role_keys(Role& role) {
  const std::string whose = name_of(role).possessive;
  return {
      {"command", [&](auto& r, auto& k, auto& n) { role.server.command = read_text(r, k, n); }},
      {"env", [&](auto& r, auto&, auto& n) { read_env(r, n, role); }},
      {"ready", [&](auto& r, auto&, auto& n) { read_ready(r, n, role); }},
      {"reset", [&, whose](auto& r, auto&,
                           auto& n) { read_url_check(r, whose + " 'reset'", n, true, role.server.reset); }},
      {"health",
       [&, whose](auto& r, auto&, auto& n) {
         read_url_check(r, whose + " 'health'", n, true, role.server.health);
       }},
      {"progress", [&](auto& r, auto& k, auto& n) { role.server.progress = read_pattern(r, k, n); }},
      {"workers", [&](auto& r, auto& k, auto& n) { role.workers = read_number(r, k, n, kMaxWorkers); }},
      {"gpus", [&](auto& r, auto& k, auto& n) { role.gpus = read_number(r, k, n, kMaxGpus); }},
      {"nodes", [&](auto& r, auto& k, auto& n) { role.nodes = read_number(r, k, n, kMaxNodes); }},
      {"processes", [&](auto& r, auto& k, auto& n) { role.processes = read_processes(r, k, n); }},
      {"launch", [&](auto& r, auto& k, auto& n) { role.mpi = !read_word(r, k, n, {"mpi"}).empty(); }},
      {"on", [&](auto& r, auto& k, auto& n) { role.on = read_place(r, k, n); }},
      {"needs", [&](auto& r, auto& k, auto& n) { role.needs = read_texts(r, k, n); }},
      {"ports", [&](auto& r, auto& k, auto& n) { role.ports = read_ports(r, k, n); }}};
}

bool has_gpus(const Role& role) {
  return role.gpus.number > 0 || !role.gpus.of.empty();
}

/// Reports what is wrong with a role by itself. Ports may be written as variables ($PORT_DIST).
void check_role(Reader& in, const yaml::Value& node, Role& role) {
  const std::string name = name_of(role).section;
  ServerSection& server = role.server;
  if (is_blank(server.command)) return in.complain(node, name + " has no 'command'");
  if (server.ready.path.empty() && server.ready_log.empty() && server.ready_tcp.empty())
    return in.complain(node,
                       name +
                           " has no 'ready'; add 'url' (a path that answers 200), 'tcp' (a port that accepts "
                           "connections) or 'log' (a regular expression for a line of its output)");
  for (const std::string& port : role.ports) {
    if (server.ready_tcp == "$" + port_variable(port)) server.ready_tcp = port;
  }
  for (const std::string* port :
       {&server.ready.port, &server.ready_tcp, &server.reset.port, &server.health.port}) {
    if (port->empty() || *port == "PORT" || contains(role.ports, *port)) continue;
    const auto near = nearest(*port, role.ports);
    return in.complain(node, name + " has no port '" + printable(*port) + "'; " +
                                 (near ? "did you mean '" + *near + "'?" : "name it in 'ports'"));
  }
  if (!role.on.empty() && (has_gpus(role) || role.nodes != Count{}))
    return in.complain(node, name + " has both 'on' and 'gpus' or 'nodes'; 'on' is for roles without GPUs");
  if (role.mpi && !has_gpus(role))
    return in.complain(node, name + " has 'launch: mpi', which starts a task for each GPU, but no 'gpus'");
  if (role.mpi && role.processes != Role::Processes::Node)
    return in.complain(
        node, name + " has both 'launch: mpi' and 'processes'; with mpi one srun starts a task for each GPU");
  if (role.processes == Role::Processes::Gpu && !has_gpus(role))
    return in.complain(node, name + " has 'processes: gpu', but no 'gpus'");
}

/// Reports a variable that two roles derive in different ways: the gang would have two values of one name.
void check_derived(Reader& in, const yaml::Value& node, const Role& role, const std::vector<Role>& roles) {
  for (const DerivedVariable& derived : role.server.derived) {
    for (const Role& other : roles) {
      for (const DerivedVariable& its : other.server.derived) {
        if (its.name == derived.name && !(its == derived))
          return in.complain(node, "the roles " + other.name + " and " + role.name + " derive " +
                                       derived.name + " in different ways; use two names");
      }
    }
  }
}

/// Reports what is wrong with a role's relation to the others.
void check_relations(Reader& in, const yaml::Value& node, const Role& role, const std::vector<Role>& roles) {
  const std::string name = name_of(role).section;
  std::vector<std::string> known;
  for (const Role& other : roles)
    known.push_back(other.name);
  for (const std::string& need : role.needs) {
    if (need == role.name) return in.complain(node, name + " needs itself; remove it from 'needs'");
    if (find_role(roles, need) != nullptr) continue;
    const auto near = nearest(need, known);
    return in.complain(node, name + " needs '" + printable(need) + "', which is not a role; " +
                                 (near ? "did you mean '" + *near + "'?" : "roles: " + join(known, ", ")));
  }
  check_place(in, node, name, role.on, roles);
  if (!in.error) check_derived(in, node, role, roles);
}

void check_circles(Reader& in, const yaml::Value& node, const std::vector<Role>& roles) {
  const auto order = start_order(roles);
  if (order.size() == roles.size()) return;
  std::vector<std::string> left;
  for (std::size_t i = 0; i < roles.size(); ++i) {
    if (std::find(order.begin(), order.end(), i) == order.end()) left.push_back(roles[i].name);
  }
  in.complain(node, "the roles " + listed(std::move(left), "and") +
                        " need each other in a circle, so none of them can start first; see their 'needs'");
}

}  // namespace

Count read_number(Reader& in, const std::string& key, const yaml::Value& node, std::int64_t most) {
  Count out;
  if (node.is(yaml::Kind::Dict)) {
    read_map(in, "'" + key + "'", node,
             {{"of", [&](auto& r, auto& k, auto& n) { out.of = read_text(r, k, n); }}});
    if (!in.error && !valid_name(out.of))
      in.complain(node,
                  "'" + key + "' needs 'of', a variable with a number, such as {of: PREFILL_NUM_WORKERS}");
    return out;
  }
  const bool number = node.is(yaml::Kind::Int) && !node.scalar.huge && node.scalar.integer >= 0 &&
                      node.scalar.integer <= most;
  if (!number)
    in.complain(node, "'" + key + "' must be a number from 0 to " + std::to_string(most) +
                          " or {of: VARIABLE}, got " + shown(node));
  out.number = number ? node.scalar.integer : 0;
  return out;
}

std::string read_place(Reader& in, const std::string& key, const yaml::Value& node) {
  const std::string text = is_text(node) ? node.text : "";
  if (worker_in(text)) return text;
  return read_word(in, key, node, {kOnHead, kOnClient, kOnOwn, kOnEach, "a worker such as prefill.0"});
}

void check_place(Reader& in, const yaml::Value& node, const std::string& what, const std::string& place,
                 const std::vector<Role>& roles) {
  const auto worker = worker_in(place);
  if (!worker) return;
  const Role* role = find_role(roles, worker->role);
  if (role == nullptr)
    return in.complain(node, what + " is placed on '" + place + "', but there is no such role");
  if (!role->on.empty() || !has_gpus(*role))
    in.complain(node,
                what + " is placed on '" + place + "', which has no GPUs itself; name a worker with GPUs");
}

void read_roles(Reader& in, const yaml::Value& node, std::vector<Role>& roles) {
  if (!node.is(yaml::Kind::Dict) || node.members.empty())
    return in.complain(node, "'roles' must be a mapping of names to roles, got " + shown(node));
  if (node.members.size() > kMaxRoles)
    return in.complain(node, "'roles' has " + std::to_string(node.members.size()) + " roles; at most " +
                                 std::to_string(kMaxRoles) + " are possible");
  if (!node.repeated.empty())
    return in.complain(*node.repeated.front(), "role '" + printable(key_text(*node.repeated.front())) +
                                                   "' occurs twice; remove one of them");
  for (const auto& [key, value] : node.members) {
    Role role;
    role.name = key_text(*key);
    if (!is_name(role.name) || role.name == "client")
      return in.complain(*key, shown(*key) +
                                   " is not a valid name of a role; use lower-case letters, digits and _" +
                                   (role.name == "client" ? " ('client' is the recipe's client)" : ""));
    if (contains(process_variables(), address_variable(role.name)))
      return in.complain(*key, "a role cannot be named '" + role.name + "', because the agent sets " +
                                   address_variable(role.name) + " for each process");
    read_map(in, name_of(role).section, *value, role_keys(role));
    if (!in.error) check_role(in, *key, role);
    if (in.error) return;
    if (role.server.health.path.empty()) role.server.health = role.server.ready;
    if (role.mpi) role.processes = Role::Processes::Worker;
    roles.push_back(std::move(role));
  }
  for (std::size_t i = 0; i < roles.size() && !in.error; ++i)
    check_relations(in, *node.members[i].key, roles[i], roles);
  if (!in.error) check_circles(in, node, roles);
}

}  // namespace sweep::profile
