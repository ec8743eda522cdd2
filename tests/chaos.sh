#!/usr/bin/env bash
# Runs a sweep on a real Slurm under faults: it kills and freezes processes, cancels jobs, lets them reach their time
# limit, cuts the network and fills the disk, while a driver resumes every sweep that ended early. Then it compares
# everything that was written: each point is done once, no acknowledged result is lost, nothing is left behind.
#
# Rules:
# - The sweep runs as an ordinary user (nobody if this is root). The sweep's owner or root causes the faults.
# - The cluster, the work folder, the mount and the firewall rules belong to this run and are removed with it.
# - The same seed makes the same choices; which process they hit depends on timing.
# - The last line is the verdict: points= done= lost= duplicated= faults= seconds=
set -euo pipefail
export LC_ALL=C.UTF-8
umask 022
PATH=$PATH:/usr/sbin:/sbin

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
POINTS=200 SEED=1 MINUTES=2 GRACE=240 MIN_FAULTS='' ONLY='' KEEP=no
BUILD=${SWEEP_BUILD:-$ROOT/build}
CLUSTER=${SWEEP_CLUSTER:-/var/tmp/slurm-sweep-chaos}

usage() {
  cat <<'USAGE'
Usage: tests/chaos.sh [--points N] [--seed S] [--minutes M] [OPTION]...
  --points N       number of points of the matrix (default 200)
  --seed S         determines faults, targets, pauses and the benchmarks' durations (default 1)
  --minutes M      how long to cause faults (default 2)
  --grace SECONDS  time limit for the sweep to end after that (default 240)
  --min-faults N   fail if there were fewer faults (default 50 from 2 minutes on, else 1)
  --only A,B       cause only these kinds of faults
  --build DIR      build to test (default: $SWEEP_BUILD or build/)
  --keep           keep the work folder of a successful run too
  --list           print the kinds of faults
Needs root rights (or sudo without a password) for the cluster. Exit status: 0 nothing is lost or
duplicated, 1 otherwise, 77 Slurm is not available.
USAGE
}

wrong() { printf 'chaos: %s (see tests/chaos.sh --help)\n' "$*" >&2; exit 2; }
number() { # OPTION VALUE LOW HIGH
  [[ $2 =~ ^[0-9]{1,9}$ ]] && ((10#$2 >= $3 && 10#$2 <= $4)) || wrong "$1 must be a number from $3 to $4, not '$2'"
}

# shellcheck source=tests/chaos/lib.sh
. "$ROOT/tests/chaos/lib.sh"
# shellcheck source=tests/chaos/faults.sh
. "$ROOT/tests/chaos/faults.sh"
# shellcheck source=tests/chaos/driver.sh
. "$ROOT/tests/chaos/driver.sh"
# shellcheck source=tests/chaos/check.sh
. "$ROOT/tests/chaos/check.sh"

while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --list) list_faults; exit 0 ;;
    --keep) KEEP=yes; shift; continue ;;
    --*=*) set -- "${1%%=*}" "${1#*=}" "${@:2}"; continue ;;
  esac
  [[ $# -ge 2 ]] || wrong "$1 needs a value, or is unknown"
  case $1 in
    --points) number "$1" "$2" 1 100000; POINTS=$((10#$2)) ;;
    --seed) number "$1" "$2" 0 999999999; SEED=$((10#$2)) ;;
    --minutes) number "$1" "$2" 1 1440; MINUTES=$((10#$2)) ;;
    --grace) number "$1" "$2" 1 86400; GRACE=$((10#$2)) ;;
    --min-faults) number "$1" "$2" 0 100000; MIN_FAULTS=$((10#$2)) ;;
    --only) ONLY=$2 ;;
    --build) BUILD=$(realpath -m -- "$2") ;;
    *) wrong "unknown option '$1'" ;;
  esac
  shift 2
done
[[ -n $MIN_FAULTS ]] || MIN_FAULTS=$((MINUTES >= 2 ? 50 : 1))

skip() { printf 'skipped: %s\n' "$*"; exit 77; }
[[ -n $(type -P slurmctld) && -n $(type -P munged) ]] || skip "Slurm is not installed; install it with deploy/install-packages.sh"
[[ $EUID == 0 ]] || sudo -n true 2>/dev/null || skip "no root rights to start Slurm's daemons"
for program in sqlite3 jq ss; do
  [[ -n $(type -P $program) ]] || { printf 'chaos: %s is not installed; install it with deploy/install-packages.sh\n' $program >&2; exit 1; }
done

BEGAN=$SECONDS
make_world
driver </dev/null >>"$WORK/driver.log" 2>&1 &
DRIVER=$!
make_faults
undo_all
verdict
