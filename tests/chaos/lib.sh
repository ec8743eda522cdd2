# shellcheck shell=bash
# Common functions of the chaos run: seeded choices, the cluster and the work folder, and finding its processes.
# Sourced by tests/chaos.sh.
#
# Rule: a process belongs to this run only if its program or its environment is the cluster's. Other processes on this
# machine are not touched.

# --- choices ----------------------------------------------------------------------------------------------------

# chance N: sets REPLY to a number from 0 to N-1. Uses its own generator, so that neither subshells nor other uses of
# RANDOM change the sequence of a seed.
LCG=0
seed_choices() { # STREAM: faults and driver have separate streams
  LCG=$((SEED * 2654435761 + $1 * 40503 + 12345))
  local i
  for ((i = 0; i < 5; ++i)); do chance 2; done
}
chance() { # N
  LCG=$((LCG * 6364136223846793005 + 1442695040888963407))
  REPLY=$((((LCG >> 33) & 0x7fffffff) % $1))
}
pick() { # WORD...: sets REPLY to one of them; returns false if there are none
  [[ $# -gt 0 ]] || return 1
  chance $#
  shift "$REPLY"
  REPLY=$1
}
pause() { # LOW HIGH, in milliseconds
  chance $(($2 - $1 + 1))
  local ms=$(($1 + REPLY))
  sleep "$((ms / 1000)).$(printf '%03d' $((ms % 1000)))"
}

since() { # sets REPLY to the seconds since the start, with one decimal
  local tenths=$(((${EPOCHREALTIME/./} - BEGAN_US) / 100000))
  REPLY=$((tenths / 10)).$((tenths % 10))
}
note() { # FILE WORDS...: appends a line with the time
  local file=$1
  shift
  since
  printf '%7s  %s\n' "$REPLY" "$*" >>"$file"
}

# --- the world --------------------------------------------------------------------------------------------------

as_root() { if [[ $EUID == 0 ]]; then "$@"; else sudo -n -- "$@"; fi; }
AS=()
[[ $EUID != 0 ]] || AS=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
user() { # COMMAND...: runs it as the ordinary user with a user's environment
  "${AS[@]}" env -u SLURM_JOB_ID HOME="$WORK/home" SLURM_CONF="$SLURM_CONF" PATH="$PATH" "$@"
}

write_matrix() { # POINTS points with different concurrency and parallelism
  local i tp=(1 2 4 8)
  printf 'dsr1-fp4-b200-sglang:\n  image: none\n  model: none\n  framework: sglang\n  search-space:\n'
  for ((i = 0; i < POINTS; ++i)); do
    printf '    - { tp: %d, conc-start: %d, conc-end: %d }\n' "${tp[i % 4]}" $((i / 4 + 1)) $((i / 4 + 1))
  done
}

# The benchmark: sleeps for a time that depends on seed and point, then runs a stand-in. Its result contains a unique
# value (`chaos_run`). It logs its actions to a file that no fault affects.
write_benchmark() {
  local scale=$((MINUTES > 2 ? MINUTES * 30 * 200 / POINTS : 100)) # percent
  ((scale >= 100)) || scale=100
  cat <<BENCH
#!/bin/bash
ran=$WORK/ran/ran.log
run=\$(printf '%s-%s-%s' "\$EPOCHREALTIME" \$\$ \$RANDOM)
echo "\$EPOCHREALTIME start \$RESULT_FILENAME \$SLURMD_NODENAME \$run" >>"\$ran"
number=\$(cksum <<<"$SEED \$RESULT_FILENAME")
number=\${number%% *}
ms=\$(((300 + number % 2700) * $scale / 100))
sleep "\$((ms / 1000)).\$(printf '%03d' \$((ms % 1000)))" || exit 1
if ((number / 2700 % 8 == 0)); then
  CPU_SMOKE_SCALE=0.02 $CLUSTER/install/share/slurm-sweep/benchmarks/cpu_smoke.sh || exit 1
else
  $CLUSTER/install/bin/bench-noop || exit 1
fi
jq -c --arg run "\$run" '. + {chaos_run: \$run}' "\$RESULT_FILENAME.json" >"\$run.part" || exit 1
mv "\$run.part" "\$RESULT_FILENAME.json" || exit 1
sum=\$(sha256sum <"\$RESULT_FILENAME.json")
echo "\$EPOCHREALTIME result \$RESULT_FILENAME \$SLURMD_NODENAME \$run \${sum%% *}" >>"\$ran"
BENCH
}

write_profile() {
  cat <<PROFILE
gpus: ignore
spool: $WORK/spool
timeouts: { heartbeat: 1s, agent: 6s, kill-grace: 2s, join: 10s, away: ${AWAY}s, point: 120s }
retries: { infrastructure: 20, benchmark: 2, node: 0 }
PROFILE
}

# If possible, puts the output on a separate file system that can be filled and made read-only.
mount_disk() {
  MOUNTED=no
  mkdir "$WORK/disk"
  if as_root mount -t tmpfs -o "size=64m,mode=755,$MOUNT_OWNER" slurm-sweep-chaos "$WORK/disk" 2>/dev/null; then MOUNTED=yes; fi
}

make_world() {
  local program
  BEGAN_US=${EPOCHREALTIME/./}
  WORK=$(mktemp -d /var/tmp/slurm-sweep-chaos-work-XXXXXX)
  chmod 755 -- "$WORK"
  FAULTS=$WORK/faults.log OUT=$WORK/disk/out
  AWAY=$((MINUTES > 4 ? 60 : 20))
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  "$ROOT/deploy/devcluster" down --dir "$CLUSTER" >/dev/null
  "$ROOT/deploy/devcluster" up --nodes 4 --gpus 8 --build "$BUILD" --dir "$CLUSTER" >"$WORK/up.log" 2>&1 ||
    { cat -- "$WORK/up.log" >&2; exit 1; }
  eval "$("$ROOT/deploy/devcluster" env --dir "$CLUSTER")"
  for program in sweepctl sweep-agent cpu-smoke; do
    "$CLUSTER/install/bin/$program" --help >/dev/null 2>&1 || [[ $program == cpu-smoke && $? == 2 ]] || {
      printf 'chaos: %s does not run; complete the build first\n' "$BUILD/bin/$program" >&2
      exit 1
    }
  done
  mkdir "$WORK"/{home,ran,spool,srun}
  write_matrix >"$WORK/home/matrix.yaml"
  write_profile >"$WORK/home/profile.yaml"
  write_benchmark >"$WORK/home/bench.sh"
  chmod 755 "$WORK/home/bench.sh"
  : >"$FAULTS"
  MOUNT_OWNER="uid=$(id -u),gid=$(id -g)"
  if [[ $EUID == 0 ]]; then
    MOUNT_OWNER="uid=$(id -u nobody),gid=$(id -g nobody)"
    chown -R nobody:nogroup -- "$WORK"/{home,ran,spool,srun}
  fi
  mount_disk
  [[ $EUID != 0 || $MOUNTED == yes ]] || chown nobody:nogroup -- "$WORK/disk"
  cd -- "$WORK/home" || exit 1
  probe_firewall
  printf 'chaos: seed %s, %s points, %s min of faults, in %s\n' "$SEED" "$POINTS" "$MINUTES" "$WORK"
}

# --- processes --------------------------------------------------------------------------------------------------

# Returns whether the process runs a program of our cluster. (A killed process that was not reaped has no program.)
ours() { # PID
  local exe
  exe=$(as_root readlink "/proc/$1/exe" 2>/dev/null) && [[ $exe == "$CLUSTER"/* ]]
}
named() { # COMM: prints our processes of that name
  local pid
  for pid in $(pgrep -x "$1" || true); do
    if ours "$pid"; then echo "$pid"; fi
  done
}
agents() { named sweep-agent; }
controllers() { named sweep-control; }
supervisors() {
  local pid words
  for pid in $(named sweepctl); do
    words=()
    { mapfile -d '' -t words <"/proc/$pid/cmdline"; } 2>/dev/null || continue
    if [[ ${words[1]-} == serve ]]; then echo "$pid"; fi
  done
}
benchmarks() { pgrep -f "^/bin/bash $WORK/home/bench.sh" || true; }
sruns() { # prints all processes of srun on this cluster
  local pid
  for pid in $(pgrep -x srun || true); do
    if as_root grep -qzxF "SLURM_CONF=$SLURM_CONF" "/proc/$pid/environ" 2>/dev/null; then echo "$pid"; fi
  done
}
slurmds() { pgrep -f "^slurmd -f $SLURM_CONF -N " || true; }
jobs_here() { timeout 10 squeue -h -t running -o %A 2>/dev/null || true; }
everything() {
  agents
  controllers
  supervisors
  benchmarks
  sruns
}
is_stopped() { [[ $(ps -o state= -p "$1" 2>/dev/null) == T* ]]; }

# --- the end ----------------------------------------------------------------------------------------------------

end_all() { # kills everything that still runs
  local pids
  timeout 10 scancel --partition=sweep --quiet 2>/dev/null || true
  mapfile -t pids < <(everything)
  ((${#pids[@]} == 0)) || as_root kill -KILL "${pids[@]}" 2>/dev/null || true
}

# shellcheck disable=SC2329 # the trap calls it
finish() {
  local status=$?
  trap - EXIT
  set +e
  [[ -z ${DRIVER-} ]] || kill "$DRIVER" 2>/dev/null
  undo_all
  [[ -z ${SLURM_CONF-} ]] || end_all
  if [[ $status != 0 || $KEEP == yes ]] && [[ ${MOUNTED-no} == yes ]]; then
    cp -a -- "$WORK/disk" "$WORK/disk-copy"
  fi
  cd /
  [[ ${MOUNTED-no} != yes ]] || as_root umount "$WORK/disk" || as_root umount -l "$WORK/disk"
  if [[ $status != 0 || $KEEP == yes ]]; then
    cp -r -- "$CLUSTER/log" "$WORK/slurm-log" 2>/dev/null
    [[ ! -d $WORK/disk-copy ]] || { rmdir -- "$WORK/disk" && mv -- "$WORK/disk-copy" "$WORK/disk"; }
    printf 'chaos: kept: %s\n' "$WORK"
  else
    rm -rf -- "$WORK"
  fi
  "$ROOT/deploy/devcluster" down --dir "$CLUSTER" >/dev/null
  [[ -z ${LAST_LINE-} ]] || printf '%s\n' "$LAST_LINE"
  exit "$status"
}
