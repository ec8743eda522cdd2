#!/usr/bin/env bash
# Tests sweepctl script: its output, and how such a script behaves with a working server and with failing ones.
# (tests/unit/configs_test.cpp compares the scripts in configs/scripts with their recipes.)
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
configs=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../configs" && pwd)
export PATH=$SWEEP_BUILD/bin:$PATH
cd -- "$WORK"

"$SWEEPCTL" script "$configs/recipes/simulated.yaml" >simulated.sh || bad "script: status $?"
cmp -- simulated.sh "$configs/scripts/simulated.sh" || bad "the output differs from configs/scripts/simulated.sh"
for script in "$configs"/scripts/*.sh "$configs"/scripts/*/*.sh; do
  [[ -x $script ]] || bad "$script is not executable"
  bash -n "$script" || bad "$script has a syntax error"
done

free_port() { # prints a port without a listener, below the ephemeral ports
  local port
  while port=$((15000 + RANDOM % 15000)); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break; done
  echo "$port"
}
MARK=script-test-$$-$RANDOM
left() { # [MARK]: prints the processes that are left, found by the mark in their environment
  grep -lsz -- "^MARK=${1-$MARK}\$" /proc/[0-9]*/environ || true # no match is the normal case
}

# runs STATUS WORD SERVER CLIENT [READY]: runs the script of that recipe; checks its status, a word in its output, and that
# no process is left.
runs() {
  printf 'server:\n  command: |\n    %s\n  env: [TP, { FROM: { of: CONC, steps: [1, 16] } }]\n  ready: { %s }\nclient:\n  command: |\n    %s\n' \
    "$3" "${5-url: /health}" "$4" >recipe.yaml
  "$SWEEPCTL" script recipe.yaml >recipe.sh || bad "script: $3: status $?"
  local status=0
  env MARK="$MARK" TP=8 CONC=20 PORT="${PORT_TAKEN-$(free_port)}" RESULT_FILENAME=point SERVER_TIMEOUT="${LIMIT-20}" \
    bash recipe.sh >out 2>&1 </dev/null || status=$?
  [[ $status == "$1" ]] || bad "server '$3', client '$4': status $status, not $1: $(cat out)"
  grep -qF -- "$2" out || bad "server '$3', client '$4': the output does not contain '$2': $(cat out)"
  [[ -z $(left) ]] || bad "server '$3', client '$4' leaves $(left) behind"
}
simulated='exec sweep-simserver --model deepseek-r1 --hardware b200 --zero-latency --port "$PORT"'
bench='exec sweep-bench --model deepseek-r1 --backend openai --base-url "http://127.0.0.1:$PORT" --dataset-name random --random-input-len 8 --random-output-len 4 --num-prompts "$CONC" --max-concurrency 4 --save-result --result-filename "$RESULT_FILENAME.json"'
runs 0 'Successful requests' "$simulated" "$bench"
[[ $(jq -c '[.completed, .simulated]' point.json) == '[20,true]' ]] || bad "the result is $(cat point.json)"
runs 7 'from 16' "$simulated" 'echo "from $FROM"; exit 7'
runs 0 'measured' 'echo up and running; exec sleep 100' 'echo measured' "log: 'up and .unning'"
runs 1 'the server ended before it was ready' 'echo no such model; exit 3' 'echo never'
grep -qx 'no such model' out || bad "the server's last lines are not shown: $(cat out)"
LIMIT=1 runs 1 'the server was not ready within 1 s' 'sleep 100 & wait' 'echo never'
runs 1 'the server ended while the client ran' 'echo $BASHPID >pid; '"$simulated" 'kill -9 "$(cat pid)"; sleep 1.5; echo measured'
# A server that ignores SIGTERM.
runs 0 'measured' "trap '' TERM; echo up; while :; do sleep 100; done" 'echo measured' 'log: up'

# wait_for_line FD WORD: reads lines until one contains WORD; fails at the end of the output.
wait_for_line() {
  local line
  while read -r line <&"$1"; do [[ $line != *"$2"* ]] || return 0; done
  bad "the output has no line with '$2'"
}

PORT_TAKEN=$(free_port)
coproc TAKEN { MARK=$MARK-taken exec sweep-simserver --model deepseek-r1 --zero-latency --port "$PORT_TAKEN" 2>&1; }
taken=$TAKEN_PID # bash unsets TAKEN_PID when the coprocess ends
wait_for_line "${TAKEN[0]}" "listening on"
[[ -n $(left "$MARK-taken") ]] || bad "left() does not find a running process"
runs 1 "port $PORT_TAKEN of this machine is taken" "$simulated" 'echo never'
kill "$taken"
wait "$taken" || true # ended by the signal
unset PORT_TAKEN

# The script is ended while the client runs: server and client must both be gone.
printf 'server:\n  command: %s\n  env: []\n  ready: { url: /health }\nclient:\n  command: echo measuring; sleep 100\n' "$simulated" >recipe.yaml
"$SWEEPCTL" script recipe.yaml >recipe.sh
coproc SCRIPT { MARK=$MARK PORT=$(free_port) exec bash recipe.sh 2>&1; }
script=$SCRIPT_PID
wait_for_line "${SCRIPT[0]}" measuring
kill "$script"
status=0
wait "$script" || status=$?
[[ $status == 143 ]] || bad "a script ended by SIGTERM: status $status, expected 143"
[[ -z $(left) ]] || bad "a script ended by SIGTERM leaves $(left) behind"

status=0
env -u MODEL bash simulated.sh >out 2>&1 || status=$?
[[ $status != 0 ]] && grep -q 'MODEL: is not set, and this benchmark needs it' out || bad "without MODEL: $status $(cat out)"
status=0
"$SWEEPCTL" script "$configs/profiles/quickstart.yaml" >out 2>&1 || status=$?
[[ $status == 1 ]] && grep -q 'quickstart.yaml:' out || bad "script of a profile: status $status: $(cat out)"
exit "$FAILED"
