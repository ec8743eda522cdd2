#!/usr/bin/env bash
# Recipes on a real Slurm: servers that keep running between points, and servers and recipes that fail in various ways.
# Each point must end with a typed outcome, the summary must have the server's last lines, and no server must be left.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

bin=$SWEEP_CLUSTER/install/bin
cat >matrix.yaml <<'M'
dsr1-fp4-b200-sglang:
  image: i
  model: m
  framework: sglang
  isl: 64
  osl: 32
  search-space:
    - { tp: 4, conc-start: 4, conc-end: 16 }
    - { tp: 8, conc-start: 4, conc-end: 16 }
M
profile() { # SERVER [TIMEOUTS]: prints a profile whose recipe has this server
  cat <<P
benchmark:
  server:
    command: |
      $1
    env: [TP]
    ready: { url: /health }
    reset: { url: /reset_prefix_cache }
  client:
    command: exec $bin/sweep-bench --model m --base-url "http://127.0.0.1:\$PORT" --dataset-name random
      --random-input-len 64 --random-output-len 32 --random-range-ratio 0.8 --num-prompts 40 --max-concurrency "\$CONC"
      --ignore-eos --save-result --disable-tqdm --stall-timeout 2 --result-filename "\$RESULT_FILENAME.json"
validity: { ignore: [input-length, client-bound] }
timeouts: { ${2:-server: 20s}, kill-grace: 500ms }
P
}
sweep() { # NODES OUTPUT [OPTION]...
  run srun -N"$1" --ntasks-per-node=1 --gpus-per-node=8 "${@:3}" --sweep-config=matrix.yaml --sweep-profile=profile.yaml \
    --sweep-output="$2" sweep-agent
}
simulated="exec $bin/sweep-simserver --model m --zero-latency --port \"\$PORT\""

# One node, two different servers, six points: two servers are started.
profile "$simulated" >profile.yaml
sweep 1 warm --exclusive
status_is 0
json_is warm/manifest.json '[.points[].state] | unique' '["done"]'
json_is warm/manifest.json '[.points[].attempts[].server_starts] | add' 2
json_is warm/manifest.json '[.points[].attempts[].valid] | unique' '[true]'
file_has warm/summary.txt "2 server starts for 6 points done"
file_has warm/summary.txt "simulated"
record=$(ls warm/agg_*_conc4_n*.json | head -n 1)
json_is "$record" '.provenance | [.slurm, (.started | length), .attempt, .environment.CONC, .node | type] | unique' '["number","string"]'
json_is "$record" '.provenance.slurm' "$(scontrol --version | sed 's/.* //')"
json_is "$record" '.provenance.server_command[2] | contains("sweep-simserver")' true

# Two nodes: a node that joins late may find both servers running elsewhere and starts another one, but not for every
# point. Results of a job that shares its nodes are not valid.
sweep 2 shared
status_is 3
[[ $(grep -c "warning: results will not be valid (node-shared): other jobs may run on the nodes of job" err) == 1 ]] ||
  fail "the shared nodes are not announced once"
err_has "6 of 6 points ran, 0 valid"
json_is shared/manifest.json '[.points[].attempts[].server_starts] | add | . >= 2 and . < 6' true
json_is shared/manifest.json '[.points[].attempts[].invalid_reasons[]? | .[0:11]] | unique' '["node-shared"]'
file_has shared/summary.txt "Not valid: 6 of 6 results"

failed_as() { # OUTPUT OUTCOME WORDS
  status_is 1
  json_is "$1/manifest.json" '[.points[].attempts[].outcome.kind] | unique' "[\"$2\"]"
  file_has "$1/summary.txt" "$3"
  all_gone
}

profile "$simulated --fault never-ready" 'server: 2s' >profile.yaml
sweep 2 never
failed_as never timed-out "| Loading weights: 40%"

profile 'echo "CUDA error: no kernel image" >&2; exit 3' >profile.yaml
sweep 2 dies
failed_as dies server-failed "| CUDA error: no kernel image"

profile "no-such-server" >profile.yaml
sweep 2 missing
failed_as missing server-failed "not found"

profile "$simulated --fault crash-after=3" >profile.yaml
sweep 2 crash
failed_as crash server-failed "| sweep-simserver: simulated crash"

profile "$simulated --fault garbage=1" >profile.yaml
sweep 2 garbage
failed_as garbage benchmark-failed "garbage"

profile "$simulated --fault error=1" >profile.yaml
sweep 2 errors
failed_as errors benchmark-failed "500"

profile "$simulated --fault half-json=1" >profile.yaml
sweep 2 half
failed_as half benchmark-failed "garbage"

profile "$simulated --fault endless-line=1" >profile.yaml
sweep 2 endless
failed_as endless benchmark-failed "garbage"

profile "$simulated --fault empty=1" >profile.yaml
sweep 2 empty
failed_as empty benchmark-failed "empty"

profile "$simulated --fault stall=1" >profile.yaml
sweep 2 stall
failed_as stall benchmark-failed "stalled"

# Another process uses the port: the server reports it and exits.
user "$bin/sweep-simserver" --model other --zero-latency --port 0 >other.out 2>other.err &
wait_until 10 "the other server listens" grep -q listening other.out
taken=$(sed -n 's/.*127.0.0.1:\([0-9]*\)$/\1/p' other.out)
profile "exec $bin/sweep-simserver --model m --zero-latency --port $taken" >profile.yaml
sweep 1 taken
pkill -f "sweep-simserver --model other"
failed_as taken server-failed "$taken"

# Errors in a recipe must be reported before anything is allocated.
refused() { # WORDS...
  local jobs word
  jobs=$(last_job)
  sweep 1 refused
  status_is_not 0
  for word in "$@"; do err_has "$word"; done
  [[ $(last_job) == "$jobs" ]] || fail "a job was allocated"
  [[ ! -e refused ]] || fail "an output directory was created"
}
profile "$simulated" | sed 's/reset:/resett:/' >profile.yaml
refused profile.yaml:7 resett "did you mean 'reset'"
profile "$simulated" | sed '/^  server:/{n;N;d}' >profile.yaml
refused profile.yaml command
profile 'exec serve $CONC' >profile.yaml
refused CONC env
all_gone
