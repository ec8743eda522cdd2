#!/usr/bin/env bash
# A sweep that was ended by its job's time limit or by scancel is resumed in another job: results are kept and the other
# points are run. Failed points and a changed matrix are accepted only on request. No second controller can use the
# directory while one is running.
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"

matrix() { # CONCURRENCY...: prints a matrix
  printf 'dsr1-fp4-b200-sglang:\n  image: none\n  model: none\n  framework: sglang\n  search-space:\n'
  local conc
  for conc; do printf '    - { tp: 8, conc-start: %d, conc-end: %d }\n' "$conc" "$conc"; done
}
matrix 1 2 3 4 5 6 >matrix.yaml
cat >profile.yaml <<'P'
timeouts: { kill-grace: 1s, heartbeat: 1s, agent: 5s }
P
# The benchmark logs each start. Points 1 and 2 complete, 3 fails until the file `mended` exists, and the others wait until
# they are ended, unless the file `go` exists.
benchmark bench.sh <<S
#!/bin/bash
echo "\$CONC" >>$WORK/starts
[[ \$CONC -le 2 || -e $WORK/go && ( \$CONC != 3 || -e $WORK/mended ) ]] && exec $WORK/cpu_smoke.sh
[[ \$CONC == 3 ]] && exit 9
read -t 600 <>$WORK/never
S
user mkfifo never

SWEEP=(srun -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-profile=profile.yaml)
begin() { # OUTPUT OPTION...: starts a sweep in the background; returns when five points have started
  rm -f starts
  user "${SWEEP[@]}" --sweep-config=matrix.yaml --sweep-output="$1" "${@:2}" ./bench.sh >first.out 2>first.err </dev/null &
  SRUN=$!
  wait_until 60 "five points have started" starts_are "$(seq 5)"
}
starts_are() { [[ -e starts && $(sort -n starts) == "$1" ]]; }
ended() { # waits for the sweep in the background and sets STATUS, like run()
  STATUS=0
  wait "$SRUN" || STATUS=$?
  cp -- first.err err
}
states_are() { # OUTPUT STATES: checks the points' states in the order of the matrix
  json_is "$1/manifest.json" '[.points[].state] | join(" ")' "$2"
}
offered() { # prints the command for resuming that standard error ends with
  sed -n 's/^.* left; to resume: //p; s/^.*; to retry: //p' err | tail -n 1
}

# ---- ended by the time limit
begin limited --time=1
host=$(hostname) pid=$(jq .pid limited/sweep.control)

# Meanwhile, another sweep and a resume are both refused. The message names the running controller and the remedy.
run "${SWEEP[@]}" --sweep-config=matrix.yaml --sweep-output=limited ./bench.sh
status_is_not 0
err_has "another sweep is running there (controller on $host, pid $pid); choose another --sweep-output"
run "${SWEEP[@]}" --sweep-resume --sweep-output=limited ./bench.sh
status_is_not 0
err_has "it is still running (controller on $host, pid $pid); wait until it ends"
err_has "sweepctl cancel limited"
starts_are "$(seq 5)" || fail "a refused command started a point"

ended
status_is_not 0
states_are limited "done done failed pending pending pending"
file_has limited/summary.txt "2 of 6 points done"
[[ $(offered) == "cd $WORK && srun --sweep-resume --sweep-output=$WORK/limited "* ]] || fail "the offered command does not resume the sweep: '$(offered)'"
all_gone
first=$(last_job)

# Runs the offered command unchanged. Points that are done or failed are not run again.
user touch go
rm -f starts
run bash -c "$(offered)"
status_is_not 0
[[ $(last_job) != "$first" ]] || fail "no new job"
err_has "resumed, 2 done"
starts_are $'4\n5\n6' || fail "started: $(paste -sd ' ' starts)"
states_are limited "done done failed done done done"
count_is 5 limited/raw/*.json
json_is limited/agg_dsr1_1k1k.json length 5

# Only the failed point is left. It is run again only on request.
retry=$(offered)
[[ $retry == *" --sweep-resume --sweep-retry-failed "* ]] || fail "the offered command does not retry failed points: '$retry'"
run "${SWEEP[@]}" --sweep-resume --sweep-output=limited ./bench.sh
status_is_not 0
err_has "nothing to resume: 5 of 6 points done, 1 failed; to retry failed points, add --sweep-retry-failed"
user touch mended
rm -f starts
run bash -c "$retry"
status_is 0
starts_are 3 || fail "started: $(paste -sd ' ' starts)"
states_are limited "done done done done done done"
json_is limited/manifest.json '[.complete, .points[2].attempts[].outcome.kind] | map(tostring) | join(" ")' "true benchmark-failed ok"
all_gone

# ---- scancel, then a resume with a changed matrix
rm -f go mended
begin cancelled
scancel "$(last_job)"
ended
status_is_not 0
all_gone
matrix 1 3 4 5 7 >matrix.yaml
user touch go
rm -f starts
run "${SWEEP[@]}" --sweep-resume --sweep-output=cancelled --sweep-config=matrix.yaml ./bench.sh
status_is_not 0
err_has "the matrix has changed since the sweep was started; to resume with the new matrix, add --sweep-accept-changes"
err_has "  removed  dsr1_1k1k fp4 sglang b200 tp8 conc2"
err_has "  removed  dsr1_1k1k fp4 sglang b200 tp8 conc6"
err_has "  added    dsr1_1k1k fp4 sglang b200 tp8 conc7"
[[ ! -e starts ]] || fail "a point was started although the matrix was refused"
run "${SWEEP[@]}" --sweep-resume --sweep-accept-changes --sweep-output=cancelled --sweep-config=matrix.yaml ./bench.sh
status_is_not 0
starts_are $'4\n5\n7' || fail "started: $(paste -sd ' ' starts)"
states_are cancelled "done failed done done done" # removed points are not listed
count_is 4 cancelled/raw/*.json
count_is 2 cancelled/withdrawn/*
json_is cancelled/agg_dsr1_1k1k.json length 4
all_gone
