#include "controller/profile/script.hpp"

#include <algorithm>

#include "util/shell_word.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

constexpr const char* kVariables = R"(
# Input: the variables of a benchmark (MODEL, TP, CONC, RESULT_FILENAME, ...), and three more: PORT; SERVER_LOG, the
# file for the server's output; SERVER_TIMEOUT, the time limit in seconds for the server to become ready.
export PORT="${PORT:-8888}"
SERVER_LOG="${SERVER_LOG:-${RESULT_FILENAME:-benchmark}.server.log}"
SERVER_TIMEOUT="${SERVER_TIMEOUT:-1800}"
)";

constexpr const char* kEvalVariables =
    R"(# RUN_EVAL: 'true' runs the evaluation after the client; EVAL_ONLY: 'true' runs only the evaluation.
export RUN_EVAL="${RUN_EVAL:-false}" EVAL_ONLY="${EVAL_ONLY:-false}"
)";

constexpr const char* kSteps = R"(
step() { # NUMBER STEP...: prints the largest STEP that is at most NUMBER, or the first STEP if all are larger
  local number=$1 value=$2 next
  for next in "${@:2}"; do ((next > number)) || value=$next; done
  echo "$value"
}
)";

constexpr const char* kRest = R"(
give_up() {
  echo "$1" >&2
  [[ ! -s $SERVER_LOG ]] || { echo "last lines of $SERVER_LOG:" && tail -n 12 -- "$SERVER_LOG"; } >&2
  exit 1
}

server_lives() { kill -0 "$server" 2>/dev/null; }

stop() { # GROUP: ends the processes of this process group, after 10 s with SIGKILL
  kill -TERM -- "-$1" 2>/dev/null || return 0
  local tenths
  for ((tenths = 0; tenths < 100; tenths++)); do
    kill -0 -- "-$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL -- "-$1" 2>/dev/null
}

stop_all() {
  [[ $BASHPID == $$ ]] || return 0 # in a child that a signal reached before it had dropped these traps
  trap '' INT TERM
  local group
  for group in $shown $client $server; do stop "$group"; done
}

! (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null ||
  give_up "port $PORT of this machine is taken by another process; set PORT to a free port"
: >"$SERVER_LOG" || exit 1

server='' client='' shown=''
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
set -m # server and client run in separate process groups, so that each can be stopped as a whole
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

const DerivedVariable* derived_of(const Recipe& recipe, const std::string& name) {
  const auto found = std::find_if(recipe.server.derived.begin(), recipe.server.derived.end(),
                                  [&](const DerivedVariable& derived) { return derived.name == name; });
  return found == recipe.server.derived.end() ? nullptr : &*found;
}

/// Returns the lines that check that the server's variables are set, and that compute the derived ones.
std::string variables(const Recipe& recipe) {
  std::string needed, computed;
  for (const std::string& name : recipe.server.env) {
    const DerivedVariable* derived = derived_of(recipe, name);
    needed += ": \"${" + (derived ? derived->of : name) + "?is not set, and this benchmark needs it}\"\n";
    if (!derived) continue;
    computed += name + "=$(step \"$" + derived->of + "\"";
    for (const std::int64_t number : derived->steps)
      computed += " " + std::to_string(number);
    computed += ")\nexport " + name + "\n";
  }
  return needed + (computed.empty() ? "" : kSteps + computed);
}

std::string function(const std::string& name, const std::string& command) {
  return "\n" + name + "() (\n" + command + (command.ends_with('\n') ? ")\n" : "\n)\n");
}

/// Returns run_client: the client, and the evaluation if the recipe has one and the point wants it.
std::string client_functions(const Recipe& recipe) {
  if (recipe.eval.empty()) return function("run_client", recipe.client);
  // Not run_eval: InferenceX's library has a function of that name, which the command may call.
  return function("run_benchmark", recipe.client) + function("run_evaluation", recipe.eval) +
         "\nrun_client() {\n"
         "  [[ $EVAL_ONLY == true ]] || run_benchmark || return\n"
         "  [[ $RUN_EVAL != true && $EVAL_ONLY != true ]] || run_evaluation\n"
         "}\n";
}

std::string ready(const Recipe& recipe) {
  if (recipe.server.ready.path.empty())
    return "\nready() { grep -Eq -e " + shell_word(recipe.server.ready_log) + " -- \"$SERVER_LOG\"; }\n";
  return "\nready() { curl --noproxy '*' -fs -m 10 -o /dev/null \"http://127.0.0.1:$PORT\"" +
         shell_word(recipe.server.ready.path) + "; }\n";
}

/// Returns the leading comment lines of a file.
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
                    " as a standalone script: starts the server, runs the client, and stops both.\n"
                    "# Generated by 'sweepctl script " +
                    printed + "'; to change it, edit the recipe and generate it again.\n";
  if (!heading.empty()) out += "#\n" + heading;
  return out + kVariables + (recipe.eval.empty() ? "" : kEvalVariables) + variables(recipe) +
         function("run_server", recipe.server.command) + client_functions(recipe) + ready(recipe) + kRest;
}

}  // namespace sweep::profile
