# shellcheck shell=bash
# What the benchmarks on a real Slurm share. Sourced; gives them a folder of their own ($WORK), clusters that are gone at
# the end, and the machine in one line.
set -euo pipefail
export LC_ALL=C

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${SWEEP_BUILD:-$ROOT/build}
WORK=$(mktemp -d /var/tmp/slurm-sweep-bench-XXXXXX)
CLUSTERS=()

die() { printf '%s: %s\n' "$(basename -- "$0")" "$*" >&2; exit 1; }

# shellcheck disable=SC2329 # called by the trap
finish() {
  local dir
  for dir in "${CLUSTERS[@]}"; do "$ROOT/deploy/devcluster" down --dir "$dir" >/dev/null || true; done
  rm -rf -- "$WORK"
}
trap finish EXIT
trap 'exit 130' INT TERM

[[ -x $BUILD/bin/bench-noop ]] || die "$BUILD has no bin/bench-noop: build first, with -DSWEEP_BENCHMARKS=ON"

cluster_up() { # DIR OPTION...
  local dir=$1
  shift
  CLUSTERS+=("$dir")
  "$ROOT/deploy/devcluster" up --dir "$dir" --build "$BUILD" "$@" >/dev/null
}

print_machine() {
  printf 'machine: %s cores, %s, %s, load %s, %s\n' "$(nproc)" "$(uname -sr | sed -E 's/( [0-9]+\.[0-9]+).*/\1/')" "$(slurmctld -V)" \
    "$(cut -d' ' -f1 /proc/loadavg)" "$(date +%F)"
}
