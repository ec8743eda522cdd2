#!/usr/bin/env bash
# Runs slurmd, slurmstepd and srun with the plugin under valgrind, while plain steps and sweeps run, succeed, fail and are
# cancelled. No error that memcheck reports, and no definitely lost block, may have the plugin in its stack. Findings in
# Slurm itself are ignored.
#
# Starts a separate cluster whose slurmd is a script that starts the real slurmd under valgrind.
set -euo pipefail
: "${SWEEP_BUILD:?}" "${SWEEP_CLUSTER:?}"
PATH=$PATH:/usr/sbin:/sbin
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
skip() { printf 'skipped: %s\n' "$*"; exit 77; }
[[ -d $SWEEP_CLUSTER ]] || skip "no cluster in $SWEEP_CLUSTER; slurm.up says why"
# Debian's valgrind is a script that starts valgrind.bin; the script cannot be run under another name.
memcheck=$(type -P valgrind.bin || type -P valgrind) || skip "valgrind is not installed; install the package valgrind"
as_root=()
[[ $EUID == 0 ]] || as_root=(sudo -n)

SWEEP_CLUSTER+=-valgrind
HERE=$(mktemp -d /var/tmp/slurm-sweep-valgrind-XXXXXX)
take_down() {
  cd /
  "${as_root[@]}" "$root/deploy/devcluster" down --dir "$SWEEP_CLUSTER" >/dev/null || true
  "${as_root[@]}" rm -rf -- "$HERE"
}
trap take_down EXIT
mkdir -m 1777 -- "$HERE/log"
chmod 755 -- "$HERE"
mkdir -- "$HERE/bin" "$HERE/build" "$HERE/build/lib"
ln -s -- "$SWEEP_BUILD/bin" "$HERE/build/bin"
# Without line numbers, a stack names the file of each function, and so the plugin.
strip --strip-debug -o "$HERE/build/lib/spank_sweep.so" "$SWEEP_BUILD/lib/spank_sweep.so"

# NAME is the process name by which deploy/devcluster finds the process. Each process has its own log, also a task between
# fork and exec. --keep-debuginfo keeps the plugin's symbols after it is unloaded.
under_valgrind() { # LOG NAME PROGRAM [ARGUMENT]...: prints a script that starts PROGRAM under valgrind
  local log=$1 name=$2
  shift 2
  printf '#!/bin/bash\n'
  # Only the daemon itself, not `slurmd -V` and the like.
  [[ $log != slurmd ]] || printf '[[ " $* " == *" -N "* ]] || exec %q "$@"\n' "$1"
  printf 'exec -a %q %q --vgdb=no --leak-check=full --show-leak-kinds=definite --keep-debuginfo=yes' "$name" "$memcheck"
  printf ' --num-callers=50 --log-file=%q' "$HERE/log/$log.%p"
  printf ' %q' "$@"
  printf ' "$@"\n'
}
under_valgrind slurmstepd "slurmstepd: under valgrind" "$(type -P slurmstepd)" >"$HERE/bin/slurmstepd"
# With -vv, slurmd logs the plugins that it loads.
under_valgrind slurmd slurmd "$(type -P slurmd)" -vv -d "$HERE/bin/slurmstepd" >"$HERE/bin/slurmd"
chmod 755 -- "$HERE"/bin/*
"${as_root[@]}" env PATH="$HERE/bin:$PATH" "$root/deploy/devcluster" up --nodes 1 --gpus 8 --build "$HERE/build" \
  --dir "$SWEEP_CLUSTER"

. "$root/tests/slurm/lib.sh"
trap 'finish; take_down' EXIT

sweep() { # OUTPUT COMMAND [ARGUMENT]...: runs a sweep of three points on one node; ARGUMENTs precede srun
  run "${@:3}" srun -N1 --gpus-per-node=8 --exclusive --sweep-config=configs/dsr1-1k1k.yaml --sweep-select='--framework trt' \
    --sweep-output="$1" "$2"
}

# Steps without a sweep: one succeeds, one fails, and the program of one does not exist.
run srun -N1 --ntasks-per-node=2 sh -c 'exit 0'
status_is 0
run srun -N1 sh -c 'exit 7'
status_is 7
run srun -N1 /nowhere/program
status_is_not 0

# A sweep, and another one whose srun also runs under valgrind.
sweep plain.d ./cpu_smoke.sh
status_is 0
json_is plain.d/manifest.json .complete true
# srun unloads the plugin before it exits, so leaks are not checked there.
sweep client.d ./cpu_smoke.sh "$memcheck" --vgdb=no --leak-check=no --keep-debuginfo=yes --num-callers=50 \
  --log-file="$HERE/log/srun.%p"
status_is 0
json_is client.d/manifest.json .complete true

# A batch script, whose own task is not part of the sweep, and srun in it, which inherits the options.
printf '#!/bin/bash\nsrun ./cpu_smoke.sh\n' >batch.sh
run sbatch --wait -N1 --gpus-per-node=8 --exclusive -o batch.log --sweep-config=configs/dsr1-1k1k.yaml --sweep-select='--framework trt' \
  --sweep-output=batch.d batch.sh
status_is 0
json_is batch.d/manifest.json .complete true

# A sweep that is cancelled.
user mkfifo started never
exec 8<>started
benchmark waits.sh <<S
#!/bin/bash
echo here >$WORK/started
read -t 600 <>$WORK/never
S
sweep cancelled.d ./waits.sh &
read -r -t 60 _ <&8 || fail "the benchmark did not start"
scancel "$(last_job)"
wait %+
file_has cancelled.d/summary.txt "0 of 3 points done"

# A sweep whose agent does not exist: the task must fail and print the reason.
"${as_root[@]}" mv -- "$SWEEP_CLUSTER/install/bin/sweep-agent" "$SWEEP_CLUSTER/install/bin/away"
sweep agentless.d ./cpu_smoke.sh
status_is 127
err_has "cannot run $SWEEP_CLUSTER/install/bin/sweep-agent on node n1"
"${as_root[@]}" mv -- "$SWEEP_CLUSTER/install/bin/away" "$SWEEP_CLUSTER/install/bin/sweep-agent"
all_gone
# A job that was drained of its processes is COMPLETING for a moment; a node that Slurm took away stays away.
is_idle() { [[ $(sinfo -h -o %T) == idle ]]; }
wait_until 20 "the node is idle again" is_idle

# slurmd's leaks are reported when it exits.
"${as_root[@]}" cat -- "$SWEEP_CLUSTER/log/slurmd-n1.log" >"$HERE/slurmd.log"
"${as_root[@]}" "$root/deploy/devcluster" down --dir "$SWEEP_CLUSTER"
# From here on, a Slurm command would try to reach its cluster for a minute.
trap 'rm -rf -- "$WORK"; take_down' EXIT

# Checks that all processes ran with the plugin under valgrind.
[[ $(grep -c 'Loaded plugin spank_sweep.so' "$HERE/slurmd.log") -ge 10 ]] || fail "the plugin was not loaded by slurmd and nine steps"
seen() { # WANTED PROGRAM OPTION: checks how many processes valgrind saw to their end (-l) or until they called exec (-L)
  local found
  found=$("${as_root[@]}" grep "$3" 'ERROR SUMMARY' -r "$HERE/log" --include="$2.*" | wc -l)
  ((found >= $1)) || fail "valgrind saw $found processes of $2 ($3), expected at least $1"
}
seen 1 slurmd -l
seen 9 slurmstepd -l
seen 8 slurmstepd -L
seen 1 srun -l

# Each finding is a paragraph.
"${as_root[@]}" cat -- "$HERE"/log/* | sed 's/^==[0-9]*== \?//' | awk -v RS= '/spank_sweep\.so/ { print $0 "\n" }' >"$HERE/ours"
if [[ -s $HERE/ours ]]; then
  head -n 100 -- "$HERE/ours" >&2
  fail "valgrind reports errors in the plugin"
fi
