# shellcheck shell=bash
# The faults. Each function causes one fault and writes it to the fault log. It returns false if there was no target; such
# a fault is not counted. A child process undoes a fault later if necessary; undo_all() makes sure that all are undone.
# Sourced by tests/chaos.sh.

# Weight and name of each fault; the function fault_NAME causes it.
KINDS="
18 kill_benchmark
12 kill_agent
12 kill_controller
5 kill_supervisor
2 kill_both
3 kill_srun
6 kill_slurmd
10 stop_agent
8 stop_controller
3 freeze_controller
2 scancel_step
2 scancel_job
2 time_limit
1 interrupt
1 interrupt_srun
2 terminate_srun
6 cut_network
4 disk_full
3 read_only
3 moved_away
4 unwritable
"

list_faults() { awk 'NF == 2 { print $2 }' <<<"$KINDS"; }

fault() { note "$FAULTS" "fault  $*"; }
undone() { note "$FAULTS" "undone $*"; }
fault_count() { grep -c '  fault  ' "$FAULTS" || true; }
later() { # MILLISECONDS COMMAND...: undoes a fault after this time, or as soon as other faults permit it
  local ms=$1 tries=200
  shift
  (
    sleep "$((ms / 1000)).$(printf '%03d' $((ms % 1000)))"
    until "$@"; do
      ((tries-- > 0)) || exit
      sleep 0.1
    done
    undone "$*"
  ) </dev/null >/dev/null 2>&1 &
  UNDOING+=($!)
}
UNDOING=()

signal() { # SIGNAL PID...: returns false if none of them exists
  as_root kill -"$1" "${@:2}" 2>/dev/null
}
where() { # PID: prints its node
  as_root grep -zs '^SLURMD_NODENAME=' "/proc/$1/environ" 2>/dev/null | tr -d '\0' | cut -d= -f2
}
one_of() { # LISTER: sets REPLY to one of the processes that LISTER prints
  local list
  mapfile -t list < <("$1" | sort -n)
  pick "${list[@]}"
}

kill_one() { # NAME LISTER
  one_of "$2" || return 1
  local pid=$REPLY node
  node=$(where "$pid")
  signal KILL "$pid" && fault "$1 pid $pid ${node:+on $node}"
}
fault_kill_benchmark() { kill_one kill_benchmark benchmarks; }
fault_kill_agent() { kill_one kill_agent agents; }
fault_kill_controller() { kill_one kill_controller controllers; }
fault_kill_supervisor() { kill_one kill_supervisor supervisors; }
fault_kill_both() {
  local pids
  mapfile -t pids < <(supervisors; controllers)
  ((${#pids[@]} >= 2)) || return 1
  signal KILL "${pids[@]}" && fault "kill_both pids ${pids[*]}"
}

current_srun() { [[ -s $WORK/srun.pid ]] && cat -- "$WORK/srun.pid"; }
srun_runs() { # sets REPLY to its pid; false if it has no job yet
  REPLY=$(current_srun) && [[ -n $REPLY && -n $(jobs_here) ]]
}
fault_kill_srun() {
  srun_runs || return 1
  local pid=$REPLY
  signal KILL "$pid" && fault "kill_srun pid $pid"
}
fault_interrupt() { # like Ctrl-C on the terminal
  srun_runs || return 1
  local pid=$REPLY
  signal INT "-$pid" && fault "interrupt process group $pid"
}
fault_interrupt_srun() {
  srun_runs || return 1
  local pid=$REPLY
  signal INT "$pid" || return 1
  fault "interrupt_srun pid $pid, twice"
  sleep 0.2
  signal INT "$pid" || true
}
fault_terminate_srun() {
  srun_runs || return 1
  local pid=$REPLY
  signal TERM "$pid" && fault "terminate_srun pid $pid"
}

# --- slurmd -----------------------------------------------------------------------------------------------------

start_slurmd() { # NODE
  pgrep -f "^slurmd -f $SLURM_CONF -N $1\$" >/dev/null && return 1
  as_root env -i PATH="$PATH" LC_ALL=C SLURM_CONF="$SLURM_CONF" slurmd -f "$SLURM_CONF" -N "$1" \
    </dev/null >>"$WORK/slurmd.log" 2>&1
}
start_all_slurmds() {
  local i
  for i in 1 2 3 4; do start_slurmd "n$i" || true; done
}
fault_kill_slurmd() {
  one_of slurmds || return 1
  local pid=$REPLY node
  node=$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) || return 1
  node=${node% } node=${node##* }
  signal KILL "$pid" || return 1
  fault "kill_slurmd pid $pid of $node"
  chance 3000
  later $((500 + REPLY)) start_slurmd "$node"
}

# --- frozen -----------------------------------------------------------------------------------------------------

thaw() { signal CONT "$1"; }
stop_one() { # NAME LISTER LOW HIGH, in milliseconds
  one_of "$2" || return 1
  local pid=$REPLY ms
  ! is_stopped "$pid" || return 1
  chance $(($4 - $3))
  ms=$(($3 + REPLY))
  signal STOP "$pid" || return 1
  fault "$1 pid $pid $(where "$pid") for $ms ms"
  later "$ms" thaw "$pid"
}
fault_stop_agent() { stop_one stop_agent agents 2000 12000; }
fault_stop_controller() { stop_one stop_controller controllers 500 3000; }
fault_freeze_controller() { stop_one freeze_controller controllers 8000 13000; }

# --- Slurm ------------------------------------------------------------------------------------------------------

fault_scancel_step() {
  local job
  job=$(jobs_here | tail -n 1)
  [[ -n $job ]] && user timeout 10 scancel "$job.0" 2>/dev/null && fault "scancel_step $job.0"
}
fault_scancel_job() {
  local job
  job=$(jobs_here | tail -n 1)
  [[ -n $job ]] && user timeout 10 scancel "$job" 2>/dev/null && fault "scancel_job $job"
}
fault_time_limit() { # sets a limit of one minute; an older job exceeds it at once
  local job
  job=$(jobs_here | tail -n 1)
  [[ -n $job ]] && as_root timeout 10 scontrol update "JobId=$job" TimeLimit=1 2>/dev/null && fault "time_limit $job"
}

# --- the network ------------------------------------------------------------------------------------------------

MARK=slurm-sweep-chaos-$$
FIREWALL=no
firewall() { as_root iptables -w 5 "$@" -m comment --comment "$MARK" -j DROP 2>/dev/null; }
probe_firewall() {
  # Tries a rule for a port that no process uses.
  if [[ -n $(type -P iptables) ]] && firewall -A INPUT -i lo -p tcp --dport 1; then
    firewall -D INPUT -i lo -p tcp --dport 1 && FIREWALL=yes
  fi
}
restore_network() { # PORT
  local done=1
  while firewall -D INPUT -i lo -p tcp --dport "$1"; do done=0; done
  while firewall -D INPUT -i lo -p tcp --sport "$1"; do done=0; done
  return $done
}
our_rules() { as_root iptables -w 5 -S 2>/dev/null | grep -F -- "$MARK" || true; }
remove_rules() {
  local rule
  while read -r rule; do
    # shellcheck disable=SC2086 # words of a rule
    as_root iptables -w 5 -D ${rule#-A } 2>/dev/null || true
  done < <(our_rules)
}
fault_cut_network() {
  [[ $FIREWALL == yes ]] || return 1
  local port ms pid
  one_of controllers || return 1
  pid=$REPLY
  port=$(as_root ss -Hltnp 2>/dev/null | grep -F "pid=$pid," | awk '{ print $4 }' | head -n 1)
  port=${port##*:}
  [[ $port =~ ^[0-9]+$ ]] || return 1
  [[ -z $(our_rules) ]] || return 1
  chance 8000
  ms=$((1500 + REPLY))
  firewall -A INPUT -i lo -p tcp --dport "$port" || return 1
  firewall -A INPUT -i lo -p tcp --sport "$port" || true
  fault "cut_network port $port for $ms ms"
  later "$ms" restore_network "$port"
}

# --- the disk ---------------------------------------------------------------------------------------------------

free_disk() { as_root rm -- "$WORK/disk/filler" 2>/dev/null; }
fault_disk_full() {
  [[ $MOUNTED == yes && -d $OUT && ! -e $WORK/disk/filler ]] || return 1
  chance 5000
  local ms=$((1000 + REPLY))
  as_root dd if=/dev/zero "of=$WORK/disk/filler" bs=64k status=none 2>/dev/null || true
  as_root dd if=/dev/zero "of=$WORK/disk/filler" bs=512 oflag=append conv=notrunc status=none 2>/dev/null || true
  fault "disk_full for $ms ms"
  later "$ms" free_disk
}

# A file system with open files cannot be made read-only. So this is done between the end of a controller and its restart.
make_writable() { as_root mount -o remount,rw "$WORK/disk"; }
fault_read_only() {
  [[ $MOUNTED == yes && ! -e $WORK/disk/filler ]] || return 1
  one_of supervisors || return 1
  local supervisor=$REPLY ms tries=20
  one_of controllers || return 1
  local controller=$REPLY
  signal STOP "$supervisor" || return 1
  signal KILL "$controller" || true
  until as_root mount -o remount,ro "$WORK/disk" 2>/dev/null; do
    ((tries-- > 0)) || break
    sleep 0.02
  done
  signal CONT "$supervisor" || true
  ((tries > 0)) || { fault "kill_controller pid $controller (read-only was refused)"; return 0; }
  chance 4000
  ms=$((500 + REPLY))
  fault "read_only for $ms ms, controller $controller killed"
  later "$ms" make_writable
}

# Makes the folders of the output directory unwritable for their owner.
let_write() { as_root chmod u+w "$OUT" "$OUT/raw" "$OUT/logs" 2>/dev/null; }
fault_unwritable() {
  [[ -d $OUT/logs && $(stat -c %A "$OUT") == *w* ]] || return 1
  chance 4000
  local ms=$((500 + REPLY))
  as_root chmod a-w "$OUT" "$OUT/raw" "$OUT/logs" 2>/dev/null || return 1
  fault "unwritable for $ms ms"
  later "$ms" let_write
}

come_back() { # moves the directory back; notes it if another one was created meanwhile
  [[ -d $OUT.away ]] || return 1
  if [[ -e $OUT ]]; then
    note "$FAULTS" "NOTE: a new $OUT was made while the old one was away: $(find "$OUT" | head -n 20 | tr '\n' ' ')"
    as_root mv -- "$OUT" "$OUT.new-$EPOCHSECONDS"
  fi
  as_root mv -- "$OUT.away" "$OUT"
}
fault_moved_away() {
  [[ -d $OUT && ! -d $OUT.away ]] || return 1
  chance 3000
  local ms=$((500 + REPLY))
  as_root mv -- "$OUT" "$OUT.away" || return 1
  fault "moved_away for $ms ms"
  later "$ms" come_back
}

# --- all of them ------------------------------------------------------------------------------------------------

choose_fault() { # sets REPLY to a kind of fault, chosen by weight
  local weight name sum=0 kinds=()
  while read -r weight name; do
    [[ -n $name && (-z $ONLY || ",$ONLY," == *",$name,"*) ]] || continue
    kinds+=("$weight $name")
    sum=$((sum + weight))
  done <<<"$KINDS"
  ((sum > 0)) || wrong "--only '$ONLY' names no fault (--list prints them)"
  chance "$sum"
  local left=$REPLY entry
  for entry in "${kinds[@]}"; do
    left=$((left - ${entry% *}))
    REPLY=${entry#* }
    ((left >= 0)) || return 0
  done
}

# Causes faults until the time is over or the sweep is done. On a slow machine it goes on until there were MIN_FAULTS, for
# at most half of the time that the sweep has to end after that.
make_faults() {
  seed_choices 1
  local i kind until=$((SECONDS + MINUTES * 60))
  local latest=$((until + GRACE / 2))
  [[ $FIREWALL == yes ]] || printf 'chaos: iptables does not work here, so cut_network is skipped\n'
  [[ $MOUNTED == yes ]] || printf 'chaos: cannot mount a tmpfs here, so disk_full and read_only are skipped\n'
  while ((SECONDS < until || (SECONDS < latest && $(fault_count) < MIN_FAULTS))) && kill -0 "$DRIVER" 2>/dev/null; do
    pause 400 2000
    # If a kind of fault has no target, try another one soon.
    for ((i = 0; i < 5; ++i)); do
      choose_fault
      kind=$REPLY
      ! "fault_$kind" || break
      note "$WORK/misses.log" "$kind"
      sleep 0.05
    done
  done
}

undo_all() {
  local pid
  # Kills only our children that have not undone their fault yet; other pids may belong to other processes by now.
  for pid in $(jobs -pr); do
    [[ " ${UNDOING[*]-} " != *" $pid "* ]] || kill "$pid" 2>/dev/null || true
  done
  [[ -n ${WORK-} && -n ${SLURM_CONF-} ]] || return 0
  for pid in $(everything); do
    if is_stopped "$pid"; then signal CONT "$pid" || true; fi
  done
  remove_rules
  if [[ ${MOUNTED-no} == yes ]]; then make_writable || true; fi
  free_disk || true
  come_back || true
  let_write || true
  start_all_slurmds
}
