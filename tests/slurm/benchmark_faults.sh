#!/usr/bin/env bash
# Benchmarks that fail in various ways: each point must end with a typed outcome and a reason, the other points must run,
# and nothing must hang.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

cat >profile.yaml <<'P'
script: { ready: "Starting main benchmark run" }
timeouts: { server: 2s, point: 60s, kill-grace: 500ms }
P
sweep() { # OUTPUT COMMAND...
  local output=$1
  shift
  run srun -N4 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=configs/dsr1-1k1k.yaml --sweep-select='--framework sglang' \
    --sweep-profile=profile.yaml --sweep-output="$output" "$@"
}
all_ended_as() { # OUTPUT OUTCOME
  status_is 1
  json_is "$1/manifest.json" '[.points[].attempts[].outcome.kind] | unique' "[\"$2\"]"
  json_is "$1/manifest.json" '[.points[].state] | unique' '["failed"]'
}

before=$(last_job)
sweep missing ./no-such.sh
status_is 1
err_has "cannot start './no-such.sh': there is no such file in '$WORK'"

printf '#!/bin/sh\n' >plain.sh
sweep plain "$WORK/plain.sh"
status_is 1
err_has "make it executable: chmod +x $WORK/plain.sh"
[[ $(last_job) == "$before" ]] || fail "a job was created"

benchmark interpreter.sh <<'S'
#!/no/such/interpreter
S
sweep interpreter ./interpreter.sh
all_ended_as interpreter benchmark-failed
file_has interpreter/summary.txt "3 points: benchmark-failed: cannot start './interpreter.sh'"

benchmark status.sh <<'S'
#!/bin/sh
echo "CUDA error: out of memory" >&2
exit 3
S
sweep status ./status.sh
all_ended_as status benchmark-failed
file_has status/summary.txt "exit status 3"
file_has status/summary.txt "CUDA error: out of memory"

benchmark signal.sh <<'S'
#!/bin/sh
kill -SEGV $$
S
sweep signal ./signal.sh
all_ended_as signal benchmark-failed
file_has signal/summary.txt "SIGSEGV"

sweep nothing /bin/true
all_ended_as nothing no-result

benchmark broken.sh <<'S'
#!/bin/sh
printf '{"model_id": "m", "total_tok' >"$RESULT_FILENAME.json"
S
sweep broken ./broken.sh
all_ended_as broken invalid-result

# A benchmark that never becomes ready and ignores SIGTERM, and so does its child: both must be gone afterwards.
benchmark hangs.sh <<S
#!/bin/bash
trap '' TERM
bash -c 'trap "" TERM; echo "child of \$PPID"; while :; do read -t 600 <>$WORK/fifo; done' &
while :; do read -t 600 <>$WORK/fifo; done
S
user mkfifo fifo
sweep hangs ./hangs.sh
all_ended_as hangs timed-out
file_has hangs/summary.txt "timed-out"
wait_until 10 "the benchmark's processes are gone" nothing_runs

# One point needs more GPUs than a node has: it must be reported, and the others must run.
cat >large.yaml <<'C'
dsr1-fp4-b200-sglang:
  image: i
  model: m
  framework: sglang
  search-space:
    - { tp: 16, conc-start: 4, conc-end: 4 }
    - { tp: 4, conc-start: 8, conc-end: 8 }
C
run srun -N4 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=large.yaml --sweep-output=large ./cpu_smoke.sh
status_is 1
json_is large/manifest.json '[.points[].state]' '["failed","done"]'
err_has "needs 16 GPUs; the largest node"
file_has large/summary.txt "1 of 2 points done, 1 failed"

# Retries as set in the profile: the second attempt succeeds, and both attempts have logs.
printf 'retries: { benchmark: 1 }\n' >profile.yaml
benchmark flaky.sh <<S
#!/bin/sh
mkdir "$WORK/first-\$CONC" 2>/dev/null && { echo "not yet" >&2; exit 1; }
exec ./cpu_smoke.sh
S
sweep flaky ./flaky.sh
status_is 0
json_is flaky/manifest.json '[.points[] | [.attempts[].outcome.kind]] | unique' '[["benchmark-failed","ok"]]'
count_is 3 flaky/logs/*.attempt1.err
count_is 3 flaky/logs/*.attempt2.out

# The secret and the plugin's own options must not reach the benchmark; its GPUs, port and point must.
benchmark environment.sh <<'S'
#!/bin/sh
env | sort >&2
exec ./cpu_smoke.sh
S
# Nor must a variable of an earlier sweep reach the agents: this one names a loader that would start them.
SLURM_SWEEP_LOADER=/nowhere/ld.so sweep environment ./environment.sh
status_is 0
for log in environment/logs/*.err; do
  ! grep -E '^(SLURM_SWEEP_|SLURM_SPANK_.*sweep)' "$log" || fail "$log: the secret reached the benchmark"
  file_has "$log" "CUDA_VISIBLE_DEVICES=0,1,2,3,4,5,6,7"
  for name in PORT PORT_OFFSET RANDOM_RANGE_RATIO RUNNER_NAME EP_SIZE HF_HUB_CACHE; do
    grep -q "^$name=." "$log" || fail "$log has no $name"
  done
done
all_gone
