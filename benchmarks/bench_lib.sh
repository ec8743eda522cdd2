# shellcheck shell=bash
# Shared by the benchmarks that need a real Slurm. Sourced; provides a temporary directory ($WORK), clusters
# that are stopped at the end, and a line that describes the machine.
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

[[ -x $BUILD/bin/bench-noop ]] || die "cannot find $BUILD/bin/bench-noop; build it with -DSWEEP_BENCHMARKS=ON, or set SWEEP_BUILD"

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
