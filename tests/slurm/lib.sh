# shellcheck shell=bash
# What the tests on a real Slurm share. Sourced; gives them the cluster, an empty folder of an ordinary user's to
# work in ($WORK), and words to check with.
#
# Rules: a test runs the product as an ordinary user (nobody, when the test is root). A failed check says what it
# wanted and shows what it got. Waiting is for a condition, with a limit.
set -euo pipefail
export LC_ALL=C.UTF-8
umask 022

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
: "${SWEEP_BUILD:?}" "${SWEEP_CLUSTER:?}"

skip() { printf 'skipped: %s\n' "$*"; exit 77; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

[[ -d $SWEEP_CLUSTER ]] || skip "no cluster in $SWEEP_CLUSTER; slurm.up says why"
eval "$("$ROOT/deploy/devcluster" env --dir "$SWEEP_CLUSTER")"

WORK=$(mktemp -d /var/tmp/slurm-sweep-work-XXXXXX)
# shellcheck disable=SC2329 # called by the trap
finish() {
  local status=$?
  if [[ $status != 0 && $status != 77 ]]; then
    for file in out err; do
      [[ ! -s $WORK/$file ]] || { printf -- '--- %s\n' "$file"; tail -n 40 -- "$WORK/$file"; } >&2
    done
    tail -n 5 -- "$SWEEP_CLUSTER"/log/slurmctld.log >&2 || true
  fi
  scancel --partition=sweep --quiet 2>/dev/null || true
  rm -rf -- "$WORK"
}
trap finish EXIT
chmod 755 -- "$WORK"
# The user's own copies: the checkout may be somewhere that only root can read.
cp -r -- "$ROOT/configs" "$WORK/configs"
cp -- "$ROOT/benchmarks/cpu_smoke.sh" "$WORK/"
AS=()
if [[ $EUID == 0 ]]; then
  AS=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
  chown -R nobody:nogroup -- "$WORK"
fi
cd -- "$WORK"
# Enough to be a benchmark, little enough for a test.
export CPU_SMOKE_SCALE=0.02

user() { # COMMAND...: as the ordinary user, with a user's environment
  "${AS[@]}" env -u SLURM_JOB_ID HOME="$WORK" SLURM_CONF="$SLURM_CONF" PATH="$PATH" "$@"
}

run() { # COMMAND...: as the user; its output in out and err, its status in STATUS
  STATUS=0
  user "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || STATUS=$?
}

status_is() { [[ $STATUS == "$1" ]] || fail "exit status $STATUS, wanted $1"; }
status_is_not() { [[ $STATUS != "$1" ]] || fail "exit status $STATUS"; }
err_has() { grep -qF -- "$1" "$WORK/err" || fail "standard error has no '$1'"; }
out_has() { grep -qF -- "$1" "$WORK/out" || fail "standard output has no '$1'"; }
file_has() { grep -qF -- "$2" "$1" || { cat -- "$1" >&2; fail "$1 has no '$2'"; }; }
count_is() { # WANTED FILE...: as many of these files exist
  local wanted=$1 found=0 file
  shift
  for file in "$@"; do if [[ -e $file ]]; then found=$((found + 1)); fi; done
  [[ $found == "$wanted" ]] || { ls -R >&2; fail "$found files '$*', wanted $wanted"; }
}
json_is() { # FILE FILTER WANTED
  local got
  got=$(jq -rc "$2" "$1") || fail "$1 is no JSON"
  [[ $got == "$3" ]] || fail "$1: $2 is $got, wanted $3"
}

wait_until() { # SECONDS WHAT COMMAND...
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < limit)) || fail "$what: not within the time"
    sleep 0.05
  done
}

our_processes() { pgrep -f "$SWEEP_CLUSTER/install/bin/(sweep-agent|sweepctl|cpu-smoke|sweep-bench|sweep-simserver)|$WORK/" || true; }
nothing_runs() { [[ -z $(our_processes) ]]; }
queue_is_empty() { [[ -z $(squeue -h -o %A) ]]; }
all_gone() {
  wait_until 20 "the queue is empty" queue_is_empty
  wait_until 20 "agents, controllers and benchmarks are gone" nothing_runs
}
last_job() { scontrol show job 2>/dev/null | sed -n 's/^JobId=\([0-9]*\).*/\1/p' | sort -n | tail -n 1; }

benchmark() { # NAME < SCRIPT: a benchmark of the test's own
  cat >"$WORK/$1"
  chmod 755 -- "$WORK/$1"
}
