#!/usr/bin/env bash
# deploy/package-test.sh runs this inside its chroots, as root:
#
#   prepare      configures the installed Slurm: one controller, two nodes with eight simulated GPUs each
#   install      lists the existing files, then installs the debs next to this script
#   use          starts Slurm, runs a sweep, removes, installs again, purges, and compares the files
#   slurm-tests  runs tests/slurm of the sources in /src with the programs in /src/build
#
# Rules: nothing is polled; srun itself waits for the nodes. Every command that could hang has a time limit. Never run
# this outside of such a chroot: it overwrites the configuration in /etc/slurm.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
USER_NAME=sweeper
HOME_OF=/home/$USER_NAME

die() { printf 'package-test: %s\n' "$*" >&2; exit 1; }
quietly() { # SECONDS COMMAND...
  local output
  output=$(timeout "$@" 2>&1 </dev/null) || { printf '%s\n' "$output" >&2; die "command failed: ${*:2}"; }
  OUTPUT=$output
}

# --- list of files ----------------------------------------------------------------------------------------------

# Lists all files except those that package managers keep for themselves, and the checksums of the files in /etc.
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
  # From 23.02 on slurmd needs a cgroup plugin unless it is disabled here. Older versions do not have this key.
  case $(slurmd -V) in *' 2'[3-9].*) echo 'CgroupPlugin=disabled' >/etc/slurm/cgroup.conf ;; esac
}

start_cluster() {
  mkdir -p /run/munge /var/lib/slurm/state /var/log/slurm
  chown munge: /run/munge
  quietly 30 setpriv --reuid=munge --regid=munge --clear-groups munged
  quietly 30 slurmctld
  quietly 30 slurmd -N n1
  quietly 30 slurmd -N n2
  # srun waits for the controller and then for the nodes.
  quietly 60 runuser -u "$USER_NAME" -- srun -N2 true
}

OUTPUT_FILE=$HOME_OF/output
SCALE=0.02 # share of the benchmark's normal work

# Runs a command as the user with a time limit. Writes its output to $OUTPUT_FILE and sets STATUS.
user() { # COMMAND...
  STATUS=0
  timeout 300 runuser -u "$USER_NAME" -- env -i -C "$HOME_OF" PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8 HOME="$HOME_OF" \
    CPU_SMOKE_SCALE="$SCALE" "$@" >"$OUTPUT_FILE" 2>&1 </dev/null || STATUS=$?
}

complain() { # WHAT
  cat -- "$OUTPUT_FILE" >&2
  tail -n 20 /var/log/slurm/*.log >&2
  die "$1 (exit status $STATUS)"
}

sweep() { # NAME: runs a sweep of six points and checks its files
  local out=$HOME_OF/$1 pattern count
  user srun -N2 --ntasks-per-node=1 --gpus-per-node=8 --exclusive --sweep-config=/usr/share/slurm-sweep/configs/dsr1-1k1k.yaml \
    --sweep-output="$1" /usr/share/slurm-sweep/benchmarks/cpu_smoke.sh
  [[ $STATUS == 0 ]] || complain "the sweep failed"
  grep -qxF '6 of 6 points done' "$OUTPUT_FILE" || complain "the sweep did not complete six points"
  while read -r count pattern; do
    # shellcheck disable=SC2086 # a pattern
    [[ $(cd -- "$out" && printf "%s\n" $pattern | grep -cv "[*]") == "$count" ]] ||
      { ls -R -- "$out" >&2; complain "there are not $count files $pattern"; }
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
  [[ -z $(find "$out" ! -user "$USER_NAME") ]] || complain "some files belong to another user"
  echo "   $1: 6 of 6 points done, all files exist"
}

plain_step() { # WHEN: checks that a step without a sweep works
  user srun -N2 hostname
  [[ $STATUS == 0 && $(grep -c . "$OUTPUT_FILE") == 2 ]] || complain "a step without a sweep fails $1"
}

no_sweeps() { # WHEN: checks that srun does not know --sweep-config
  user srun -N1 --sweep-config=/none true
  [[ $STATUS != 0 ]] && grep -q "unrecognized option '--sweep-config" "$OUTPUT_FILE" || complain "srun still accepts --sweep-config $1"
}

# --- the packages -----------------------------------------------------------------------------------------------

apt() { quietly 600 apt-get -q -y "$@"; }

plugin_package() { dpkg-deb -f "$here"/slurm-sweep-plugin-*.deb Package; }

install() {
  listing >"$here/before"
  apt install "$here"/*.deb
  [[ $OUTPUT != *"Add this line"* ]] ||
    die "Debian's plugstack.conf includes plugstack.conf.d, but the package prints that the line is missing"
  local name
  for name in slurm-sweep "$(plugin_package)"; do
    [[ -z $(dpkg -V "$name") ]] || die "dpkg --verify finds changed files: $(dpkg -V "$name")"
    printf '   %s %s depends on: %s\n' "$name" "$(dpkg-query -W -f '${Version}' "$name")" "$(dpkg-query -W -f '${Depends}' "$name")"
  done
}

# Makes the same packages with a higher version.
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

# Upgrades programs and plugin while a sweep runs. The sweep must continue with the programs that it started with.
upgrade_under_a_sweep() {
  local running
  newer_debs
  : >"$HOME_OF/upgraded.output"
  (SCALE=0.5 OUTPUT_FILE=$HOME_OF/upgraded.output sweep upgraded) &
  running=$!
  grep -q -m 1 '1/6 done' <(exec timeout 60 tail -n +1 -f "$HOME_OF/upgraded.output") || die "no point was done within a minute"
  apt install "$here"/newer/*.deb
  [[ $(dpkg-query -W -f '${Version}' slurm-sweep) == *.1 ]] || die "apt did not install the higher version"
  ! grep -q '6/6 done' "$HOME_OF/upgraded.output" || die "the sweep ended before the upgrade"
  wait "$running" || die "the sweep did not survive the upgrade"
}

# The line in plugstack.conf.d requires the plugin, so it must be disabled when the plugin is removed. An administrator's
# edits of it must survive.
remove_and_install_again() {
  local conf=/etc/slurm/plugstack.conf.d/sweep.conf
  sed -i 's/^required .*/& end-timeout=599/' "$conf"
  echo '# edited' >>/etc/slurm-sweep/profile.yaml
  apt remove slurm-sweep "$(plugin_package)"
  [[ ! -e $conf && -e $conf.removed ]] || die "a removal does not disable $conf"
  plain_step "after a removal"
  no_sweeps "after a removal"
  echo "   removed: other steps run, --sweep-config is unknown, edited files are kept"
  apt install "$here"/*.deb
  grep -q 'end-timeout=599' "$conf" && [[ ! -e $conf.removed ]] || die "an edited $conf is not restored by an installation"
  grep -qx '# edited' /etc/slurm-sweep/profile.yaml || die "an edited profile is not restored by an installation"
}

# If Slurm does not read plugstack.conf.d, the package must print the line to add and edit nothing.
says_what_to_add() {
  mv /etc/slurm/plugstack.conf /etc/slurm/plugstack.conf.aside
  echo '# of this site' >/etc/slurm/plugstack.conf
  quietly 60 dpkg-reconfigure -f noninteractive "$(plugin_package)"
  [[ $OUTPUT == *"include /etc/slurm/plugstack.conf.d/*.conf"* ]] ||
    die "the package does not print the line that plugstack.conf lacks: $OUTPUT"
  [[ $(</etc/slurm/plugstack.conf) == '# of this site' ]] || die "the package edits plugstack.conf"
  mv /etc/slurm/plugstack.conf.aside /etc/slurm/plugstack.conf
}

purge() {
  apt purge slurm-sweep "$(plugin_package)"
  plain_step "after a purge"
  # This also removes their dependencies, even if other packages suggest or recommend them.
  apt -o APT::AutoRemove::SuggestsImportant=false -o APT::AutoRemove::RecommendsImportant=false autoremove --purge
  listing >"$here/after"
  diff -- "$here/before" "$here/after" >&2 || die "a purge leaves files or removes too many (< before, > after)"
  echo "   purged: the same $(grep -c . "$here/before") files and folders as before the installation; /etc has the same bytes"
}

use() {
  [[ -s /usr/share/man/man1/sweepctl-run.1 && -s /usr/share/bash-completion/completions/sweepctl ]] ||
    die "manual pages or completion are missing"
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
  # The stand-in is not in a package.
  [[ -e /src/build/lib/pyxis_stand_in.so ]] ||
    g++ -std=c++20 -shared -fPIC -o /src/build/lib/pyxis_stand_in.so /src/tests/slurm/pyxis_stand_in.cpp ||
    die "cannot compile the stand-in for pyxis"
  bash /src/tests/slurm/up.sh || die "the cluster of tests/slurm did not start"
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
  *) die "only deploy/package-test.sh runs this script, in a chroot" ;;
esac
