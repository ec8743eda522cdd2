#include "controller/profile/script.hpp"

#include <algorithm>

#include "controller/profile/recipe.hpp"
#include "util/shell_word.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

constexpr const char* kVariables = R"(
# A benchmark's variables (MODEL, TP, CONC, RESULT_FILENAME, ...), and three of its own: PORT; SERVER_LOG, a file;
# SERVER_TIMEOUT, seconds until the server must be ready.
export PORT="${PORT:-8888}"
SERVER_LOG="${SERVER_LOG:-${RESULT_FILENAME:-benchmark}.server.log}"
SERVER_TIMEOUT="${SERVER_TIMEOUT:-1800}"
)";

constexpr const char* kSteps = R"(
step() { # NUMBER STEP...: the largest STEP that is not above NUMBER, or else the first
  local number=$1 value=$2 next
  for next in "${@:2}"; do ((next > number)) || value=$next; done
  echo "$value"
}
)";

constexpr const char* kRest = R"(
give_up() {
  echo "$1" >&2
  [[ ! -s $SERVER_LOG ]] || { echo "the last lines of $SERVER_LOG:" && tail -n 12 -- "$SERVER_LOG"; } >&2
  exit 1
}

server_lives() { kill -0 "$server" 2>/dev/null; }

stop() { # GROUP: what is left of it
  kill -TERM -- "-$1" 2>/dev/null || return 0
  local tenths
  for ((tenths = 0; tenths < 100; tenths++)); do
    kill -0 -- "-$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null
}

stop_all() {
  trap '' INT TERM
  local group
  for group in $shown $client $server; do stop "$group"; done
}

! (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null ||
  give_up "port $PORT of this machine is taken by another process; choose one with PORT"
: >"$SERVER_LOG" || exit 1

server='' client='' shown=''
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
set -m # each of the two in a process group of its own, which can be stopped as a whole
run_server >"$SERVER_LOG" 2>&1 </dev/null &
server=$!

tail --pid="$server" -n +1 -f -- "$SERVER_LOG" &
shown=$!
SECONDS=0
until ready; do
  server_lives || give_up "the server ended before it was ready"
  ((SECONDS < SERVER_TIMEOUT)) || give_up "the server was not ready within $SERVER_TIMEOUT s"
  sleep 1
done
stop "$shown"
shown=''

run_client </dev/null &
client=$!
wait "$client"
status=$?
client=''
server_lives || give_up "the server ended while the client ran"
exit "$status"
)";

const DerivedVariable* step_of(const Recipe& recipe, const std::string& name) {
  const auto found = std::find_if(recipe.steps.begin(), recipe.steps.end(),
                                  [&](const DerivedVariable& step) { return step.name == name; });
  return found == recipe.steps.end() ? nullptr : &*found;
}

/// What the server sees must be there, for its key is made of it; a step is reckoned from its number.
std::string variables(const Recipe& recipe) {
  std::string needed, reckoned;
  for (const std::string& name : recipe.server_env) {
    const DerivedVariable* step = step_of(recipe, name);
    needed += ": \"${" + (step ? step->of : name) + "?is not set, and this benchmark needs it}\"\n";
    if (!step) continue;
    reckoned += name + "=$(step \"$" + step->of + "\"";
    for (const std::int64_t number : step->steps)
      reckoned += " " + std::to_string(number);
    reckoned += ")\nexport " + name + "\n";
  }
  return needed + (reckoned.empty() ? "" : kSteps + reckoned);
}

std::string function(const std::string& name, const std::string& command) {
  return "\n" + name + "() (\n" + command + (command.ends_with('\n') ? ")\n" : "\n)\n");
}

std::string ready(const Recipe& recipe) {
  if (recipe.ready_url.empty())
    return "\nready() { grep -Eq -e " + shell_word(recipe.ready_log) + " -- \"$SERVER_LOG\"; }\n";
  return "\nready() { curl -fs -m 10 -o /dev/null \"http://127.0.0.1:$PORT\"" + shell_word(recipe.ready_url) +
         "; }\n";
}

/// What a file says of itself: the lines that it begins with as long as they begin with #.
std::string heading_of(const std::string& text) {
  std::string out;
  for (const std::string& line : split(text, '\n')) {
    if (!line.starts_with('#')) break;
    out += line + "\n";
  }
  return out;
}

}  // namespace

std::string single_script(const Recipe& recipe, const std::string& name, const std::string& text) {
  const std::string printed = printable(name), heading = heading_of(text);
  std::string out = "#!/usr/bin/env bash\n# " + printed +
                    " as one script: a server of its own, its client, and the end of both.\n"
                    "# Printed by 'sweepctl script " +
                    printed + "'; change the recipe, and print it again.\n";
  if (!heading.empty()) out += "#\n" + heading;
  return out + kVariables + variables(recipe) + function("run_server", recipe.server) +
         function("run_client", recipe.client) + ready(recipe) + kRest;
}

}  // namespace sweep::profile
