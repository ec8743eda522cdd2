# shellcheck shell=bash
# Finding and ending the processes of a dev cluster. Sourced by deploy/devcluster, whose DIR, CONF and SOCKET name
# the cluster.
#
# Rule: a process is ours only if its command line, program, working directory or environment names our files; it
# is found that way each time, never by a remembered pid.

# Does process $1 see our directory under the same name? It may live in a container that has one too. Whoever
# is not root cannot tell and takes it as ours (for status only).
same_root() {
  [[ $EUID -ne 0 || /proc/$1/root$DIR -ef $DIR ]]
}

# Fills PIDS: munged, slurmctld, slurmd:nX -> the pids of our daemons.
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

# A zombie has no command line: where nobody reaps it, it is still gone.
alive() { { IFS= read -r -d '' _ <"/proc/$1/cmdline"; } 2>/dev/null; }

# Prints the pids of steps, tasks and clients of this cluster, but not of whoever runs this script:
# - programs of ours (DIR/install), and slurmstepd, which sits in our log directory under a title of its own;
# - what Slurm started for a job, and srun and its like, by their environment; and all that descends from these.
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

# Waits until none of the processes lives; false when SECONDS have passed before.
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

# Ends the processes: politely, and after SECONDS by force.
end_processes() { # SECONDS PID...
  [[ $# -gt 1 ]] || return 0
  local patience=$1
  shift
  kill -TERM "$@" 2>/dev/null || true
  wait_gone "$patience" "$@" && return
  kill -KILL "$@" 2>/dev/null || true
  wait_gone 5 "$@"
}
