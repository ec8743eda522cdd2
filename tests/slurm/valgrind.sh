#!/usr/bin/env bash
# slurmd, slurmstepd and srun under valgrind, with the plugin in them, while plain steps and sweeps run, succeed, fail
# and are cancelled: nothing that memcheck reports, and no block that is lost for good, has the plugin in its stack.
# Slurm's own findings are not ours.
#
# Needs a cluster of its own, whose slurmd is a script that starts the real one under valgrind.
set -euo pipefail
: "${SWEEP_BUILD:?}" "${SWEEP_CLUSTER:?}"
PATH=$PATH:/usr/sbin:/sbin
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
skip() { printf 'skipped: %s\n' "$*"; exit 77; }
[[ -d $SWEEP_CLUSTER ]] || skip "no cluster in $SWEEP_CLUSTER; slurm.up says why"
# Debian's valgrind is a script around this, which could not be given another name.
memcheck=$(type -P valgrind.bin || type -P valgrind) || skip "there is no valgrind (package valgrind)"
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
# Without line numbers a stack names the file that a function is from: the plugin.
strip --strip-debug -o "$HERE/build/lib/spank_sweep.so" "$SWEEP_BUILD/lib/spank_sweep.so"

# The name that a process goes by is the one that deploy/devcluster knows it by. Each process has a log of its own, a
# task between fork and exec too. A plugin's names outlast its unloading.
under_valgrind() { # LOG NAME PROGRAM [ARGUMENT]...: the text of a script
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
# -vv: its own log says which plugins it loads.
under_valgrind slurmd slurmd "$(type -P slurmd)" -vv -d "$HERE/bin/slurmstepd" >"$HERE/bin/slurmd"
chmod 755 -- "$HERE"/bin/*
"${as_root[@]}" env PATH="$HERE/bin:$PATH" "$root/deploy/devcluster" up --nodes 1 --gpus 8 --build "$HERE/build" \
  --dir "$SWEEP_CLUSTER"

. "$root/tests/slurm/lib.sh"
trap 'finish; take_down' EXIT

sweep() { # OUTPUT COMMAND [ARGUMENT]...: one node, three points
  run "${@:3}" srun -N1 --gpus-per-node=8 --sweep-config=configs/dsr1-1k1k.yaml --sweep-select='--framework trt' \
    --sweep-output="$1" "$2"
}

# Steps that have nothing to do with a sweep: one that succeeds, one that fails, one whose program is not there.
run srun -N1 --ntasks-per-node=2 sh -c 'exit 0'
status_is 0
run srun -N1 sh -c 'exit 7'
status_is 7
run srun -N1 /nowhere/program
status_is_not 0

# A sweep, and one whose srun is under valgrind too.
sweep plain.d ./cpu_smoke.sh
status_is 0
json_is plain.d/manifest.json .complete true
# srun unloads the plugin before it ends: what it still holds then is no leak.
sweep client.d ./cpu_smoke.sh "$memcheck" --vgdb=no --leak-check=no --keep-debuginfo=yes --num-callers=50 \
  --log-file="$HERE/log/srun.%p"
status_is 0
json_is client.d/manifest.json .complete true

# A batch script, whose own task is none of a sweep's, and the srun in it, which inherits the sweep.
printf '#!/bin/bash\nsrun ./cpu_smoke.sh\n' >batch.sh
run sbatch --wait -N1 --gpus-per-node=8 -o batch.log --sweep-config=configs/dsr1-1k1k.yaml --sweep-select='--framework trt' \
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

# A sweep whose agent is not there: the task fails, and says why.
"${as_root[@]}" mv -- "$SWEEP_CLUSTER/install/bin/sweep-agent" "$SWEEP_CLUSTER/install/bin/away"
sweep agentless.d ./cpu_smoke.sh
status_is 127
err_has "cannot run $SWEEP_CLUSTER/install/bin/sweep-agent on node n1"
"${as_root[@]}" mv -- "$SWEEP_CLUSTER/install/bin/away" "$SWEEP_CLUSTER/install/bin/sweep-agent"
all_gone
[[ $(sinfo -h -o %T) == idle ]] || fail "the node is no longer idle: $(sinfo -R)"

# slurmd says what it has lost when it ends.
"${as_root[@]}" cat -- "$SWEEP_CLUSTER/log/slurmd-n1.log" >"$HERE/slurmd.log"
"${as_root[@]}" "$root/deploy/devcluster" down --dir "$SWEEP_CLUSTER"
# A Slurm command would look for its cluster for a minute now.
trap 'rm -rf -- "$WORK"; take_down' EXIT

# Were they all there, with the plugin?
[[ $(grep -c 'Loaded plugin spank_sweep.so' "$HERE/slurmd.log") -ge 10 ]] || fail "the plugin was not in slurmd and nine steps"
seen() { # WANTED PROGRAM OPTION: valgrind saw so many of its processes, to their end (-l) or until they became others (-L)
  local found
  found=$("${as_root[@]}" grep "$3" 'ERROR SUMMARY' -r "$HERE/log" --include="$2.*" | wc -l)
  ((found >= $1)) || fail "valgrind saw $found processes of $2 ($3), not $1"
}
seen 1 slurmd -l
seen 9 slurmstepd -l
seen 8 slurmstepd -L
seen 1 srun -l

# A finding is a paragraph.
"${as_root[@]}" cat -- "$HERE"/log/* | sed 's/^==[0-9]*== \?//' | awk -v RS= '/spank_sweep\.so/ { print $0 "\n" }' >"$HERE/ours"
if [[ -s $HERE/ours ]]; then
  head -n 100 -- "$HERE/ours" >&2
  fail "valgrind finds the plugin at fault"
fi
