#!/usr/bin/env bash
# Events that end a sweep from outside: Ctrl-C, scancel, the death of srun and of an agent. No process must survive, results
# must be kept, and unfinished points must be listed.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

cat >profile.yaml <<'P'
timeouts: { kill-grace: 1s, heartbeat: 1s, agent: 5s }
P
user mkfifo started
exec 8<>started
# The point with conc 4 completes; the others report that they have started and then wait until they are ended.
benchmark waits.sh <<S
#!/bin/bash
if [[ \$CONC == 4 ]]; then exec ./cpu_smoke.sh; fi
echo "\$CONC" >$WORK/started
read -t 600 <>$WORK/never
S
user mkfifo never

begin() { # OUTPUT: starts a sweep on four nodes in the background and sets SRUN; returns when two points wait
  forget_earlier_starts
  # A shell without job control makes its background commands ignore Ctrl-C.
  user setsid env --default-signal=INT,QUIT srun -N4 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=configs/dsr1-1k1k.yaml \
    --sweep-select='--framework sglang' --sweep-profile=profile.yaml --sweep-output="$1" ./waits.sh >out 2>err </dev/null &
  started && started || fail "the benchmarks did not start"
  wait_until 10 "srun is found" find_srun "$1"
  wait_until 30 "the first point is done" first_is_done "$1"
}
started() { read -r -t 60 _ <&8; }
# While the agents of a job are ended one after the other, an unfinished point may still start on the next node.
forget_earlier_starts() { while read -r -t 0 -u 8; do read -r -u 8 _; done; }
find_srun() { SRUN=$(pgrep -o -f "^srun .*--sweep-output=$1 "); }
first_is_done() { [[ -n $(ls "$1"/raw/*.json 2>/dev/null) ]]; }
ended() { # waits for the srun in the background and sets STATUS
  STATUS=0
  wait %+ || STATUS=$?
}
one_done_rest_listed() { # OUTPUT
  file_has "$1/summary.txt" "1 of 3 points done"
  # One line for both points if they ended for the same reason, or else one line for each.
  local listed
  listed=$(awk '/^  unfinished  / { listed += $3 ~ /^points/ ? $2 : 1 } END { print listed + 0 }' "$1/summary.txt")
  [[ $listed == 2 ]] || { cat "$1/summary.txt" >&2; fail "$listed unfinished points are listed, expected 2"; }
  json_is "$1/agg_dsr1_1k1k.json" length 1
}

# Ctrl-C in a terminal reaches srun and the controller, which are in one process group.
begin ctrl-c
kill -INT -- "-$SRUN"
ended
status_is_not 0
err_has "stopping: received SIGINT (Ctrl-C)"
one_done_rest_listed ctrl-c
all_gone

# scancel of the job.
begin scancel
scancel "$(last_job)"
ended
status_is_not 0
all_gone
one_done_rest_listed scancel

# srun is killed: the controller notices that its pipe closes, stops the agents and writes the existing results.
begin killed-srun
kill -KILL "$SRUN"
ended
wait_until 30 "the controller has written its summary" test -e killed-srun/summary.txt
one_done_rest_listed killed-srun
all_gone

# An agent is killed: its point is tried again on another node, and the sweep continues.
begin killed-agent
run sweepctl status killed-agent --json
status_is 0
json_is out '.running | length' 2
node=$(jq -r '.running[0].node' out)
agent=$(pgrep -f "$SWEEP_CLUSTER/install/bin/sweep-agent" | while read -r pid; do
  if grep -qz "^SLURMD_NODENAME=$node$" "/proc/$pid/environ"; then echo "$pid"; fi; done | head -n 1)
kill -KILL "$agent"
started || fail "the point was not started again"
run sweepctl status killed-agent
status_is 0
out_has "running"
json_attempts() { user sweepctl status killed-agent --json | jq -e '[.running[].attempt] | max == 2' >/dev/null; }
wait_until 10 "a second attempt runs" json_attempts
kill -INT -- "-$SRUN"
ended
status_is_not 0
json_is killed-agent/manifest.json '[.points[].attempts[0].outcome.kind] | map(select(. == "infrastructure")) | length' 1
all_gone

# A process that has left its session survives the death of its agent. This Slurm has no cgroups and does not find the
# process, so the plugin must end it at the end of the step.
benchmark leaves.sh <<S
#!/bin/bash
setsid sleep 601 &
echo "\$CONC" >$WORK/started
wait
S
user srun -N1 --gpus-per-node=8 --exclusive --sweep-config=configs/dsr1-1k1k.yaml --sweep-profile=profile.yaml --sweep-output=left-behind \
  ./leaves.sh >out 2>err </dev/null &
started || fail "the benchmark did not start"
wait_until 10 "the benchmark has a process in another session" pgrep -f '^sleep 601$' >/dev/null
pkill -KILL -f "$SWEEP_CLUSTER/install/bin/sweep-agent --( |$)"
ended
status_is_not 0
nothing_left_behind() { ! pgrep -f '^sleep 601$' >/dev/null; }
wait_until 20 "that process is gone" nothing_left_behind
all_gone
