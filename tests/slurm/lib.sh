# shellcheck shell=bash
# Common functions of the tests on a real Slurm. Sourced. Sets up access to the cluster and an empty work folder ($WORK) of
# an ordinary user, and defines functions for checks.
#
# Rules: a test runs the product as an ordinary user (nobody if the test is root). A failed check prints what it expected
# and what it got. Tests wait for a condition, with a time limit.
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
# shellcheck disable=SC2329 # the trap calls it
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
# Copies for the user, because the checkout may be readable only by root.
cp -r -- "$ROOT/configs" "$WORK/configs"
cp -- "$ROOT/benchmarks/cpu_smoke.sh" "$WORK/"
AS=()
if [[ $EUID == 0 ]]; then
  AS=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
  chown -R nobody:nogroup -- "$WORK"
fi
cd -- "$WORK"
# Makes the benchmark short enough for a test.
export CPU_SMOKE_SCALE=0.02

user() { # COMMAND...: runs it as the ordinary user with a user's environment
  "${AS[@]}" env -u SLURM_JOB_ID HOME="$WORK" SLURM_CONF="$SLURM_CONF" PATH="$PATH" "$@"
}

run() { # COMMAND...: runs it as the user; writes its output to out and err and sets STATUS
  STATUS=0
  user "$@" >"$WORK/out" 2>"$WORK/err" </dev/null || STATUS=$?
}

status_is() { [[ $STATUS == "$1" ]] || fail "exit status $STATUS, expected $1"; }
status_is_not() { [[ $STATUS != "$1" ]] || fail "exit status $STATUS"; }
err_has() { grep -qF -- "$1" "$WORK/err" || fail "standard error does not contain '$1'"; }
out_has() { grep -qF -- "$1" "$WORK/out" || fail "standard output does not contain '$1'"; }
file_has() { grep -qF -- "$2" "$1" || { cat -- "$1" >&2; fail "$1 does not contain '$2'"; }; }
count_is() { # WANTED FILE...: checks how many of these files exist
  local wanted=$1 found=0 file
  shift
  for file in "$@"; do if [[ -e $file ]]; then found=$((found + 1)); fi; done
  [[ $found == "$wanted" ]] || { ls -R >&2; fail "$found files '$*', expected $wanted"; }
}
json_is() { # FILE FILTER WANTED
  local got
  got=$(jq -rc "$2" "$1") || fail "$1 is not valid JSON, or the filter is wrong"
  [[ $got == "$3" ]] || fail "$1: $2 is $got, expected $3"
}

wait_until() { # SECONDS WHAT COMMAND...
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < limit)) || fail "timed out waiting until: $what"
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

benchmark() { # NAME < SCRIPT: creates a benchmark for this test
  cat >"$WORK/$1"
  chmod 755 -- "$WORK/$1"
}
