#!/usr/bin/env bash
# Counts the RPCs to slurmctld (sdiag) during a sweep of 10 points and one of 200, each in one allocation.
# slurm-sweep does not poll, so the counts must not grow with the number of points.
#
# Usage: benchmarks/bench_slurmctld.sh      Exit status 1 if job or step information was requested more often.
. "$(dirname -- "${BASH_SOURCE[0]}")/bench_lib.sh"
PATH=$PATH:/usr/sbin

cluster_up "$WORK/c" --nodes 4 --gpus 8
eval "$("$ROOT/deploy/devcluster" env --dir "$WORK/c")"
print_machine

sweep() { # POINTS: runs a sweep and prints "TYPE COUNT" for every message type that slurmctld received meanwhile
  local points=$1 i
  {
    printf 'bench-fp4-b200-noop:\n  image: none\n  model: noop\n  framework: sglang\n  search-space:\n'
    for ((i = 1; i <= points; ++i)); do printf '    - { tp: 1, conc-start: %d, conc-end: %d }\n' "$i" "$i"; done
  } >"$WORK/matrix-$points.yaml"
  printf 'workspace: %s\nenv: { BENCH_NOOP_STAMPS: %s/stamps }\n' "$WORK" "$WORK" >"$WORK/profile.yaml"
  sdiag --reset >/dev/null
  srun -N4 --ntasks-per-node=1 --gpus-per-node=8 --sweep-config="$WORK/matrix-$points.yaml" \
    --sweep-profile="$WORK/profile.yaml" --sweep-output="$WORK/out-$points" "$BUILD/bin/bench-noop" \
    >"$WORK/log" 2>&1 || { tail -n 20 "$WORK/log" >&2; die "the sweep of $points points failed"; }
  sdiag | sed -n 's/^[[:space:]]*\([A-Z_]*\)[[:space:]]*([[:space:]]*[0-9]*)[[:space:]]*count:\([0-9]*\).*/\1 \2/p' | sort -u
}

sweep 10 >"$WORK/rpc-10"
sweep 200 >"$WORK/rpc-200"
[[ -s $WORK/rpc-10 && -s $WORK/rpc-200 ]] || die "cannot parse the output of sdiag"

printf '\n%-36s %9s %10s\n' 'RPCs to slurmctld' '10 points' '200 points'
grew=no
while read -r type ten many; do
  printf '%-36s %9d %10d\n' "$type" "$ten" "$many"
  case $type in
    REQUEST_JOB_INFO* | REQUEST_JOB_STEP_INFO* | REQUEST_STEP_INFO* | REQUEST_NODE_INFO* | REQUEST_JOB_USER_INFO*)
      ((many <= ten)) || grew=$type ;;
  esac
done < <(join -a1 -a2 -e0 -o 0,1.2,2.2 "$WORK/rpc-10" "$WORK/rpc-200")
[[ $grew == no ]] || die "$grew grew with the number of points; something polls slurmctld"
echo "job, step and node information: not requested more often with 20 times the points"
