#!/usr/bin/env bash
# Measures what the plugin adds to a step without --sweep-config: `srun true` on a cluster with the plugin and
# on one without it, alternating.
#
# Usage: benchmarks/bench_plugin_overhead.sh [RUNS]      (default: 60 runs on each cluster)
. "$(dirname -- "${BASH_SOURCE[0]}")/bench_lib.sh"

runs=${1-60}
[[ $runs =~ ^[1-9][0-9]{0,3}$ ]] || die "invalid number of runs '$runs'; give a number from 1 to 9999"
cluster_up "$WORK/with" --nodes 1 --gpus 8
cluster_up "$WORK/without" --nodes 1 --gpus 8 --no-plugin
print_machine

time_srun() { # CLUSTER: prints the microseconds of one srun
  local begin=${EPOCHREALTIME/./}
  SLURM_CONF=$WORK/$1/slurm.conf srun -Q true
  echo $((${EPOCHREALTIME/./} - begin))
}

for ((i = 0; i < 5; ++i)); do time_srun with && time_srun without; done >/dev/null
for ((i = 0; i < runs; ++i)); do
  # Each cluster goes first every other time.
  if ((i % 2)); then order='with without'; else order='without with'; fi
  for which in $order; do time_srun "$which" >>"$WORK/$which.us"; done
done

rank() { sort -n "$WORK/$1.us" | sed -n "$(((runs * $2 + 99) / 100))p"; } # CLUSTER PERCENT
printf '\n%-28s %6s %10s %10s\n' 'microseconds of srun true' n p50 p90
for which in without with; do
  printf '%-28s %6d %10d %10d\n' "$which the plugin" "$runs" "$(rank $which 50)" "$(rank $which 90)"
done
awk -v a="$(rank with 50)" -v b="$(rank without 50)" 'BEGIN { printf "%-28s %17.3f\n", "ratio of the p50s", a / b }'
