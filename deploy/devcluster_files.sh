# shellcheck shell=bash
# Writes the parts of a dev cluster: ports, configuration, devices, keys, programs. Sourced by deploy/devcluster, whose
# variables DIR, CONF, SOCKET, NODES, GPUS and so on describe the cluster.
#
# Rule: a file that a running daemon or step may have open is replaced by a rename, never overwritten.

# Prints the TCP ports in use on this machine, in any state.
used_ports() {
  local address file
  for file in /proc/net/tcp /proc/net/tcp6; do
    [[ -r $file ]] || continue
    while read -r _ address _; do
      [[ $address == *:* ]] && echo $((16#${address##*:}))
    done < <(tail -n +2 "$file")
  done
}

# Chooses a range of a hundred ports below the ephemeral ports. The search starts at a place that depends on the
# directory, so that a cluster that is down for a moment rarely loses its ports to another cluster.
pick_ports() {
  local used first i try base
  used=" $(used_ports | tr '\n' ' ')"
  first=$(cksum <<<"$DIR")
  for ((try = 0; try < 119; ++try)); do
    base=$((20000 + 100 * ((${first%% *} + try) % 119)))
    for ((i = 0; i <= NODES; ++i)); do
      [[ $used != *" $((base + i)) "* ]] || continue 2
    done
    BASE_PORT=$base
    return
  done
  return 1
}

check_ports() { # DAEMON...: fails if another program uses the port of a daemon that will be started
  local used name port
  used=" $(used_ports | tr '\n' ' ')"
  for name in "$@"; do
    [[ $name != munged ]] || continue
    port=$(port_of "$name")
    # A connection in TIME_WAIT does not prevent a daemon from listening. Another listener does, and accepts connections.
    if [[ $used == *" $port "* ]] && (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      die "cannot use port $port for $name: another program listens on it; run deploy/devcluster down --dir $DIR, then up"
    fi
  done
}

write_atomically() { # FILE < TEXT
  cat >"$1.new" && mv -f -- "$1.new" "$1"
}

write_marker() {
  write_atomically "$DIR/$MARKER" <<MARK
This directory belongs to deploy/devcluster, which removes it with "down".
nodes=$NODES
gpus=$GPUS
port=$BASE_PORT
default-time=$DEFAULT_TIME
max-time=$MAX_TIME
MARK
}

node_list() { ((NODES == 1)) && echo n1 || echo "n[1-$NODES]"; }

write_slurm_conf() {
  local host ports=$((BASE_PORT + 1)) gres='' types=''
  host=$(</proc/sys/kernel/hostname)
  ((NODES == 1)) || ports="[$((BASE_PORT + 1))-$((BASE_PORT + NODES))]"
  ((GPUS == 0)) || gres=" Gres=gpu:$GPUS" types='GresTypes=gpu'
  write_atomically "$CONF" <<CONFIG
# Written by deploy/devcluster at every "up".
ClusterName=devcluster
SlurmctldHost=${host%%.*}(127.0.0.1)
SlurmctldPort=$BASE_PORT
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$SOCKET
StateSaveLocation=$DIR/state
SlurmdSpoolDir=$DIR/spool/%n
SlurmctldPidFile=$DIR/run/slurmctld.pid
SlurmdPidFile=$DIR/run/slurmd-%n.pid
SlurmctldLogFile=$DIR/log/slurmctld.log
SlurmdLogFile=$DIR/log/slurmd-%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=batch_sched_delay=0
ReturnToService=2
KillWait=5
# More CPUs and GPUs than this machine has.
SlurmdParameters=config_overrides
PlugStackConfig=$DIR/plugstack.conf
$types
NodeName=$(node_list) NodeHostname=localhost NodeAddr=127.0.0.1 Port=$ports CPUs=16 RealMemory=4000$gres
PartitionName=sweep Nodes=ALL Default=YES State=UP MaxTime=$MAX_TIME${DEFAULT_TIME:+ DefaultTime=$DEFAULT_TIME}
CONFIG
}

# Each simulated GPU is a device file like /dev/null. Its number appears in CUDA_VISIBLE_DEVICES of a task.
write_gpus() {
  local i device range=0
  for ((i = 0; i < GPUS; ++i)); do
    device=$DIR/dev/nvidia$i
    [[ -c $device ]] && continue
    mknod -m 0666 -- "$device" c 1 3 2>/dev/null || return 1
  done
  ((GPUS < 2)) || range="[0-$((GPUS - 1))]"
  if ((GPUS > 0)); then echo "NodeName=$(node_list) Name=gpu File=$DIR/dev/nvidia$range"; fi | write_atomically "$DIR/gres.conf"
}

# From 23.02 on slurmd needs a cgroup plugin unless it is disabled here. Older versions do not have this key.
write_cgroup_conf() {
  local version
  version=$(slurmd -V)
  version=${version##* }
  if [[ $version =~ ^([0-9]+)\. ]] && ((10#${BASH_REMATCH[1]} >= 23)); then
    write_atomically "$DIR/cgroup.conf" <<<'CgroupPlugin=disabled'
  fi
}

make_munge_home() {
  MUNGE_USER=root
  # The user munge must be able to enter the directory.
  if id -u munge >/dev/null 2>&1 && setpriv --reuid=munge --regid=munge --clear-groups test -x "$DIR"; then MUNGE_USER=munge; fi
  mkdir -p -- "$DIR/munge/key" "$DIR/munge/run"
  [[ -s $DIR/munge/key/munge.key ]] || (umask 077 && head -c 1024 /dev/urandom >"$DIR/munge/key/munge.key")
  chmod 0400 -- "$DIR/munge/key/munge.key"
  chmod 0700 -- "$DIR/munge/key"
  chown -R "$MUNGE_USER:" -- "$DIR/munge"
}

make_files() {
  mkdir -p -- "$DIR"/{dev,log,run,spool,state,install}
  chmod 0700 -- "$DIR/state"
  write_gpus ||
    abandon "cannot create device files in $DIR: mknod is not permitted, as in a container without CAP_MKNOD; use --gpus 0"
  make_munge_home
  write_slurm_conf
  write_cgroup_conf
}

# Running steps have plugin and programs mapped, so a file is replaced by a rename, never overwritten.
install_file() { # MODE FILE TARGET
  ! cmp -s -- "$2" "$3" || return 0
  mkdir -p -- "$(dirname -- "$3")"
  cp -- "$2" "$3.new"
  chmod "$1" -- "$3.new"
  mv -f -- "$3.new" "$3"
}

install_parts() {
  local file
  for file in "$BUILD"/bin/*; do
    [[ ! -f $file ]] || install_file 0755 "$file" "$DIR/install/bin/${file##*/}"
  done
  for file in "$ROOT"/benchmarks/*.sh; do
    [[ ! -f $file ]] || install_file 0755 "$file" "$DIR/install/share/slurm-sweep/benchmarks/${file##*/}"
  done
  if [[ $PLUGIN == yes ]]; then
    install_file 0755 "$BUILD/lib/spank_sweep.so" "$DIR/install/lib/spank_sweep.so"
    echo "required $DIR/install/lib/spank_sweep.so sweepctl=$DIR/install/bin/sweepctl agent=$DIR/install/bin/sweep-agent"
  else
    echo '# without slurm-sweep'
  fi | write_atomically "$DIR/plugstack.conf"
}
