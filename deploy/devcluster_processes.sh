# shellcheck shell=bash
# Finds and ends the processes of a dev cluster. Sourced by deploy/devcluster, whose variables DIR, CONF and SOCKET
# describe the cluster.
#
# Rule: a process belongs to the cluster only if its command line, program, working directory or environment names the
# cluster's files. Processes are found that way each time, never by a remembered pid.

# Returns whether process $1 sees our directory at the same path. A process in a container may have another directory
# there. If this is not root, it cannot be determined and the process counts as ours (only for status).
same_root() {
  [[ $EUID -ne 0 || /proc/$1/root$DIR -ef $DIR ]]
}

# Fills PIDS, which maps munged, slurmctld and slurmd:nX to the pids of our daemons.
declare -A PIDS=()
find_daemons() {
  PIDS=()
  local entry pid arguments name key
  for entry in /proc/[0-9]*; do
    pid=${entry#/proc/} arguments=()
    { mapfile -d '' -t arguments <"$entry/cmdline"; } 2>/dev/null || continue
    [[ ${#arguments[@]} -gt 0 ]] || continue
    name=${arguments[0]##*/}
    case $name in munged | slurmctld | slurmd) ;; *) continue ;; esac
    case " ${arguments[*]} " in
      *" $CONF "* | *" --socket=$SOCKET "*) ;;
      *) continue ;;
    esac
    same_root "$pid" || continue
    key=$name
    [[ $name != slurmd ]] || key=slurmd:${arguments[-1]}
    PIDS[$key]="${PIDS[$key]-}${PIDS[$key]+ }$pid"
  done
}

# Returns whether the process runs. A zombie has no command line and counts as ended, even if it is never reaped.
alive() { { IFS= read -r -d '' _ <"/proc/$1/cmdline"; } 2>/dev/null; }

# Prints the pids of steps, tasks and clients of this cluster, except this script and its parents:
# - programs in DIR/install, and slurmstepd, which has changed its title and runs in our log directory;
# - processes that Slurm started for a job, and srun, salloc and sbatch, found by their environment;
# - all descendants of these.
find_steps() {
  local pid name
  local -A ours=() spared=()
  while IFS=/ read -r _ _ pid _; do ours[$pid]=1; done < <(
    find /proc -maxdepth 2 -path '/proc/[0-9]*/exe' -lname "$DIR/*" 2>/dev/null
  )
  while IFS=/ read -r _ _ pid _; do
    name=''
    { IFS= read -r -d '' name <"/proc/$pid/cmdline"; } 2>/dev/null || continue
    if [[ $name == slurmstepd:* ]]; then ours[$pid]=1; fi
  done < <(find /proc -maxdepth 2 -path '/proc/[0-9]*/cwd' -lname "$DIR/*" 2>/dev/null)
  while IFS=/ read -r _ _ pid _; do
    name=''
    { IFS= read -r -d '' name <"/proc/$pid/cmdline"; } 2>/dev/null || continue
    case ${name##*/} in
      srun | salloc | sbatch) ours[$pid]=1 ;;
      munged | slurmctld | slurmd) ;;
      *) if grep -qz '^SLURMD_NODENAME=' "/proc/$pid/environ" 2>/dev/null; then ours[$pid]=1; fi ;;
    esac
  done < <(grep -lzxF -e "SLURM_CONF=$CONF" /proc/[0-9]*/environ 2>/dev/null)

  for ((pid = $$; pid > 1; pid = $(ps -o ppid= -p "$pid"))); do spared[$pid]=1; done
  local parent found=yes
  while [[ $found == yes ]]; do
    found=no
    while read -r pid parent; do
      if [[ -n ${ours[$parent]-} && -z ${ours[$pid]-}${spared[$pid]-} ]]; then ours[$pid]=1 found=yes; fi
    done < <(ps -eo pid=,ppid=)
  done
  for pid in "${!ours[@]}"; do
    if [[ -z ${spared[$pid]-} ]] && same_root "$pid" && alive "$pid"; then echo "$pid"; fi
  done
}

# Waits until all of the processes have ended. Returns false after SECONDS.
wait_gone() { # SECONDS PID...
  local left=$(($1 * 20)) pid
  shift
  for pid in "$@"; do
    while alive "$pid"; do
      ((left-- > 0)) || return 1
      sleep 0.05
    done
  done
}

# Ends the processes with SIGTERM, and with SIGKILL after SECONDS.
end_processes() { # SECONDS PID...
  [[ $# -gt 1 ]] || return 0
  local patience=$1
  shift
  kill -TERM "$@" 2>/dev/null || true
  wait_gone "$patience" "$@" && return
  kill -KILL "$@" 2>/dev/null || true
  wait_gone 5 "$@"
}
