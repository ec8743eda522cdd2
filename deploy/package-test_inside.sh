#!/usr/bin/env bash
# What deploy/package-test.sh runs inside its chroots, as root:
#
#   prepare      configures the Slurm that is installed: one controller, two nodes with eight pretend GPUs each
#   install      notes which files there are, then installs the debs beside this script
#   use          starts the Slurm, runs a sweep, removes, installs again, purges, and compares the files
#   slurm-tests  runs tests/slurm of the sources in /src with the programs in /src/build
#
# Rules: nothing is waited for by looking again and again; srun itself waits for the nodes. Every command that could hang
# has a limit. It is nobody's to call on a machine of its own: it configures /etc/slurm.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
USER_NAME=sweeper
HOME_OF=/home/$USER_NAME

die() { printf 'package-test: %s\n' "$*" >&2; exit 1; }
quietly() { # SECONDS COMMAND...
  local said
  said=$(timeout "$@" 2>&1 </dev/null) || { printf '%s\n' "$said" >&2; die "this failed: ${*:2}"; }
  SAID=$said
}

# --- what the files are -----------------------------------------------------------------------------------------

# Every file outside of what package managers keep for themselves; those in /etc with what is in them.
listing() {
  find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /package-test \
    -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/lib/ucf -o -path /var/log -o -path "$HOME_OF" \
    -o -path /var/lib/slurm -o -path /var/spool/slurm \) -prune -o -printf '%y %m %u:%g %p %l\n' | sort
  find /etc -type f ! -path /etc/ld.so.cache -exec sha256sum {} + | sort -k 2
}

# --- the cluster ------------------------------------------------------------------------------------------------

prepare() {
  useradd --create-home --shell /bin/bash "$USER_NAME"
  mkdir -p /var/lib/slurm/gpus /var/spool/slurm
  local i
  for i in 0 1 2 3 4 5 6 7; do mknod -m 666 "/var/lib/slurm/gpus/nvidia$i" c 1 3; done
  cat >/etc/slurm/slurm.conf <<'CONF'
ClusterName=packages
SlurmctldHost=sweephost(127.0.0.1)
SlurmctldPort=16817
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation=/var/lib/slurm/state
SlurmdSpoolDir=/var/spool/slurm/%n
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd-%n.pid
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd-%n.log
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=5
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName=n[1-2] NodeHostname=localhost NodeAddr=127.0.0.1 Port=[16821-16822] CPUs=16 RealMemory=1000 Gres=gpu:8
PartitionName=sweep Nodes=ALL Default=YES State=UP
CONF
  echo 'NodeName=n[1-2] Name=gpu File=/var/lib/slurm/gpus/nvidia[0-7]' >/etc/slurm/gres.conf
  # From 23.02 on slurmd wants a cgroup plugin of its own unless told otherwise; older ones do not know the word.
  case $(slurmd -V) in *' 2'[3-9].*) echo 'CgroupPlugin=disabled' >/etc/slurm/cgroup.conf ;; esac
}

start_cluster() {
  mkdir -p /run/munge /var/lib/slurm/state /var/log/slurm
  chown munge: /run/munge
  quietly 30 setpriv --reuid=munge --regid=munge --clear-groups munged
  quietly 30 slurmctld
  quietly 30 slurmd -N n1
  quietly 30 slurmd -N n2
  # Waits for the controller, then for the nodes.
  quietly 60 runuser -u "$USER_NAME" -- srun -N2 true
}

SAID_IN=$HOME_OF/said
SCALE=0.02 # of the benchmark's work

# A user's command, with a limit; what it says in $SAID_IN.
user() { # COMMAND...
  STATUS=0
  timeout 300 runuser -u "$USER_NAME" -- env -i -C "$HOME_OF" PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8 HOME="$HOME_OF" \
    CPU_SMOKE_SCALE="$SCALE" "$@" >"$SAID_IN" 2>&1 </dev/null || STATUS=$?
}

complain() { # WHAT
  cat -- "$SAID_IN" >&2
  tail -n 20 /var/log/slurm/*.log >&2
  die "$1 (exit status $STATUS)"
}

sweep() { # NAME: six points, each file where it belongs
  local out=$HOME_OF/$1 pattern count
  user srun -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=/usr/share/slurm-sweep/configs/dsr1-1k1k.yaml \
    --sweep-output="$1" /usr/share/slurm-sweep/benchmarks/cpu_smoke.sh
  [[ $STATUS == 0 ]] || complain "the sweep failed"
  grep -qxF '6 of 6 points done' "$SAID_IN" || complain "not six of six points"
  while read -r count pattern; do
    # shellcheck disable=SC2086 # a pattern
    [[ $(cd -- "$out" && printf "%s\n" $pattern | grep -cv "[*]") == "$count" ]] ||
      { ls -R -- "$out" >&2; complain "not $count of $pattern"; }
  done <<'FILES'
6 agg_dsr1_1k1k_fp4_*.json
1 agg_dsr1_1k1k.json
6 raw/*.json
6 logs/*.out
2 tput_vs_*.png
1 summary.txt
1 manifest.json
1 jobs.txt
1 sweep_configs.json
1 sweep.db
FILES
  [[ -z $(find "$out" ! -user "$USER_NAME") ]] || complain "files of another owner"
  echo "   $1: 6 of 6 points done, all files there"
}

plain_step() { # WHEN: what Slurm does for everybody else
  user srun -N2 hostname
  [[ $STATUS == 0 && $(grep -c . "$SAID_IN") == 2 ]] || complain "srun without a sweep fails $1"
}

no_sweeps() { # WHEN
  user srun -N1 --sweep-config=/none true
  [[ $STATUS != 0 ]] && grep -q "unrecognized option '--sweep-config" "$SAID_IN" || complain "srun knows --sweep-config $1"
}

# --- the packages -----------------------------------------------------------------------------------------------

apt() { quietly 600 apt-get -q -y "$@"; }

plugin_package() { dpkg-deb -f "$here"/slurm-sweep-plugin-*.deb Package; }

install() {
  listing >"$here/before"
  apt install "$here"/*.deb
  [[ $SAID != *"Add this line"* ]] || die "Debian's plugstack.conf reads plugstack.conf.d, and the package says that it does not"
  local name
  for name in slurm-sweep "$(plugin_package)"; do
    [[ -z $(dpkg -V "$name") ]] || die "dpkg --verify finds other files than the package's: $(dpkg -V "$name")"
    printf '   %s %s needs: %s\n' "$name" "$(dpkg-query -W -f '${Version}' "$name")" "$(dpkg-query -W -f '${Depends}' "$name")"
  done
}

# The same packages under a higher version.
newer_debs() {
  local deb
  mkdir "$here/newer"
  for deb in "$here"/*.deb; do
    dpkg-deb -R "$deb" "$here/newer/tree"
    sed -i -e 's/^Version: .*/&.1/' -e 's/slurm-sweep (= [^)]*/&.1/' "$here/newer/tree/DEBIAN/control"
    quietly 60 dpkg-deb --root-owner-group -b "$here/newer/tree" "$here/newer/"
    rm -rf "$here/newer/tree"
  done
}

# Programs and plugin are replaced while a sweep runs, which goes on with those that it has.
upgrade_under_a_sweep() {
  local running
  newer_debs
  : >"$HOME_OF/upgraded.said"
  (SCALE=0.5 SAID_IN=$HOME_OF/upgraded.said sweep upgraded) &
  running=$!
  grep -q -m 1 '1/6 done' <(exec timeout 60 tail -n +1 -f "$HOME_OF/upgraded.said") || die "no point is done within a minute"
  apt install "$here"/newer/*.deb
  [[ $(dpkg-query -W -f '${Version}' slurm-sweep) == *.1 ]] || die "apt has not installed the higher version"
  ! grep -q '6/6 done' "$HOME_OF/upgraded.said" || die "the sweep was over before the upgrade"
  wait "$running" || die "a sweep does not survive an upgrade"
}

# The line in plugstack.conf.d may not outlive the plugin, for it requires it; and it has an administrator's edits.
remove_and_install_again() {
  local conf=/etc/slurm/plugstack.conf.d/sweep.conf
  sed -i 's/^required .*/& end-timeout=599/' "$conf"
  echo '# edited' >>/etc/slurm-sweep/profile.yaml
  apt remove slurm-sweep "$(plugin_package)"
  [[ ! -e $conf && -e $conf.removed ]] || die "a removal does not put $conf out of force"
  plain_step "after a removal"
  no_sweeps "after a removal"
  echo "   removed: other steps run, --sweep-config is unknown, edited files are kept"
  apt install "$here"/*.deb
  grep -q 'end-timeout=599' "$conf" && [[ ! -e $conf.removed ]] || die "an edited $conf is not back after an installation"
  grep -qx '# edited' /etc/slurm-sweep/profile.yaml || die "an edited profile is not back after an installation"
}

# Where Slurm does not read plugstack.conf.d, the package says what to add, and adds nothing.
says_what_to_add() {
  mv /etc/slurm/plugstack.conf /etc/slurm/plugstack.conf.aside
  echo '# of this site' >/etc/slurm/plugstack.conf
  quietly 60 dpkg-reconfigure -f noninteractive "$(plugin_package)"
  [[ $SAID == *"include /etc/slurm/plugstack.conf.d/*.conf"* ]] || die "the package does not say what plugstack.conf lacks: $SAID"
  [[ $(</etc/slurm/plugstack.conf) == '# of this site' ]] || die "the package edits plugstack.conf"
  mv /etc/slurm/plugstack.conf.aside /etc/slurm/plugstack.conf
}

purge() {
  apt purge slurm-sweep "$(plugin_package)"
  plain_step "after a purge"
  # What they brought with them too, although something else might have a use for it.
  apt -o APT::AutoRemove::SuggestsImportant=false -o APT::AutoRemove::RecommendsImportant=false autoremove --purge
  listing >"$here/after"
  diff -- "$here/before" "$here/after" >&2 || die "a purge leaves something, or takes too much (< before, > after)"
  echo "   purged: the same $(grep -c . "$here/before") files and folders as before the installation, /etc to the byte"
}

use() {
  [[ -s /usr/share/man/man1/sweepctl-run.1 && -s /usr/share/bash-completion/completions/sweepctl ]] ||
    die "no manual pages, or no completion"
  start_cluster
  plain_step "with the packages"
  sweep first
  upgrade_under_a_sweep
  remove_and_install_again
  sweep second
  says_what_to_add
  purge
}

# --- tests/slurm ------------------------------------------------------------------------------------------------

slurm_tests() {
  export SWEEP_BUILD=/src/build SWEEP_CLUSTER=/var/tmp/slurm-sweep-test
  local name status failed=0
  # No part of a package.
  [[ -e /src/build/lib/pyxis_stand_in.so ]] ||
    g++ -std=c++20 -shared -fPIC -o /src/build/lib/pyxis_stand_in.so /src/tests/slurm/pyxis_stand_in.cpp || die "no stand-in for pyxis"
  bash /src/tests/slurm/up.sh || die "the cluster of tests/slurm does not start"
  for name in six_points containers agent_in_image images inferencemax bad_input jobs benchmark_faults recipe interrupts resume untouched run_command gpu_packing strangers valgrind; do
    status=0
    timeout 300 bash "/src/tests/slurm/$name.sh" >"/tmp/$name.log" 2>&1 </dev/null || status=$?
    case $status in
      0) echo "   slurm.$name passed" ;;
      77) echo "   slurm.$name $(tail -n 1 "/tmp/$name.log")" ;;
      *) echo "   slurm.$name FAILED ($status)"; tail -n 30 "/tmp/$name.log"; failed=1 ;;
    esac
  done
  bash /src/tests/slurm/down.sh || failed=1
  return $failed
}

case ${1-} in
  prepare | install | use) "$1" ;;
  slurm-tests) slurm_tests ;;
  *) die "deploy/package-test.sh runs this in a chroot" ;;
esac
