#!/usr/bin/env bash
# Tests the debs of these sources from build to purge in separate Debian systems. Builds the debs in one chroot, installs
# them in a clean second chroot next to Debian's Slurm, runs a sweep of six points on a Slurm started there, removes and
# purges the packages, and compares the files before and after.
#
# Rules:
# - The script changes nothing on this machine except the cache folder and a work folder, which it removes at the end.
# - All processes run in a separate PID namespace and all mounts are in a separate mount namespace. Both disappear when
#   this script ends, however it ends. The Slurm has a network namespace, so that its ports conflict with no other Slurm.
# - The files in the cache can be deleted at any time.
set -euo pipefail
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
# Inside the namespaces these variables are inherited from outside.
if [[ ${1-} != --in-namespaces ]]; then
  SUITE=bookworm CACHE=/var/tmp/slurm-sweep-chroots MIRROR='' DEBS='' OUT='' KEEP=no SLURM_TESTS=no
  WORK='' NAMESPACE=''
fi

usage() {
  cat <<'USAGE'
Usage: deploy/package-test.sh [OPTION]...
Builds slurm-sweep's debs in a chroot, installs them in a clean second chroot, runs a sweep there, and removes the debs.
  --suite SUITE    bookworm (Debian 12, Slurm 22.05; the default) or trixie (Debian 13, Slurm 24.11)
  --cache DIR      cache of base systems, Debian packages and compiled objects (default /var/tmp/slurm-sweep-chroots)
  --mirror URL     the Debian mirror to use (default: debootstrap's)
  --debs DIR       test these debs instead of building them
  --out DIR        copy the debs that were built to this folder
  --slurm-tests    also run tests/slurm in the chroot of the build, against its Slurm
  --keep           keep the work folder
Needs root rights. Exit status: 0 passed, 1 failed, 2 usage error, 128 + N ended by signal N.
USAGE
}

begin=$SECONDS
step() { printf '== %s (after %d s)\n' "$*" $((SECONDS - begin)); }
die() { printf 'package-test: %s\n' "$*" >&2; exit 1; }
wrong() { printf 'package-test: %s (see deploy/package-test.sh --help)\n' "$*" >&2; exit 2; }

parse_options() {
  while [[ $# -gt 0 ]]; do
    case $1 in
      -h | --help) usage; exit 0 ;;
      --keep) KEEP=yes; shift; continue ;;
      --slurm-tests) SLURM_TESTS=yes; shift; continue ;;
      --suite | --cache | --mirror | --debs | --out) [[ -n ${2-} ]] || wrong "$1 needs a value" ;;
      *) wrong "unknown option '$1'" ;;
    esac
    case $1 in
      --suite) SUITE=$2 ;;
      --cache) CACHE=$(realpath -m -- "$2") ;;
      --mirror) MIRROR=$2 ;;
      --debs) DEBS=$(realpath -m -- "$2") ;;
      --out) OUT=$(realpath -m -- "$2") ;;
    esac
    shift 2
  done
  [[ $SUITE == bookworm || $SUITE == trixie ]] || wrong "--suite must be bookworm or trixie, not '$SUITE'"
  [[ $SLURM_TESTS == no || -z $DEBS ]] || wrong "--slurm-tests needs a build and cannot be combined with --debs"
}

need() {
  local entry
  [[ $EUID -eq 0 ]] || die "needs root rights for chroot and mount; run it as root"
  for entry in debootstrap:debootstrap unshare:util-linux ip:iproute2 tar:tar; do
    [[ -n $(type -P "${entry%:*}") ]] || die "${entry%:*} is not installed; install the package ${entry#*:}"
  done
  unshare --mount --pid --fork --net --uts true 2>/dev/null ||
    die "cannot create namespaces (unshare fails); run this on a real machine or in a container that is allowed to mount"
}

# --- outside: creating the namespaces and ending everything in them ---------------------------------------------

# shellcheck disable=SC2329 # the trap calls it
finish() {
  local first
  trap '' INT TERM
  if [[ -n $NAMESPACE ]]; then
    # This ends the namespace's first process. When it is gone and has been waited for, so are all others and all mounts.
    read -r first _ 2>/dev/null <"/proc/$NAMESPACE/task/$NAMESPACE/children" || first=''
    kill -KILL ${first:+"$first"} "$NAMESPACE" 2>/dev/null || true
    wait "$NAMESPACE" 2>/dev/null || true
  fi
  if [[ $KEEP == yes ]]; then echo "the work folder is $WORK"; else rm -rf --one-file-system -- "$WORK"; fi
}

outside() {
  need
  mkdir -p -- "$CACHE"
  WORK=$(mktemp -d "$(dirname -- "$CACHE")/slurm-sweep-packages-XXXXXX")
  trap finish EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  export WORK CACHE SUITE MIRROR DEBS OUT SLURM_TESTS
  unshare --mount --pid --fork --kill-child --mount-proc bash "${BASH_SOURCE[0]}" --in-namespaces </dev/null &
  NAMESPACE=$!
  local status=0
  wait "$NAMESPACE" || status=$?
  NAMESPACE=''
  exit "$status"
}

# --- inside: chroots --------------------------------------------------------------------------------------------

# Runs a command and prints its output only if it fails.
quietly() { # SECONDS WHAT COMMAND...
  local seconds=$1 what=$2
  shift 2
  timeout "$seconds" "$@" >"$WORK/log" 2>&1 </dev/null || { tail -n 40 -- "$WORK/log" >&2; die "$what failed"; }
}

base_tree() { # creates $CACHE/SUITE.tar unless it exists
  [[ ! -s $CACHE/$SUITE.tar ]] || return 0
  step "creating a base system ($SUITE)"
  local tree=$CACHE/$SUITE.tree
  rm -rf --one-file-system -- "$tree"
  quietly 900 "debootstrap $SUITE" debootstrap --variant=minbase "$SUITE" "$tree" ${MIRROR:+"$MIRROR"}
  pack "$tree" "$CACHE/$SUITE.tar"
  rm -rf --one-file-system -- "$tree"
}

pack() { # TREE FILE
  tar -C "$1" --one-file-system -cf "$2.new" .
  mv -f -- "$2.new" "$2"
}

# Unpacks a base system so that apt works in it. Packages start no services there, and downloaded packages are cached.
unpack() { # FILE TREE
  mkdir -p -- "$2"
  tar -C "$2" -xpf "$1"
  cp -L -- /etc/resolv.conf "$2/etc/resolv.conf"
  printf '127.0.0.1 localhost sweephost\n' >"$2/etc/hosts"
  printf '#!/bin/sh\nexit 101\n' >"$2/usr/sbin/policy-rc.d"
  chmod 755 -- "$2/usr/sbin/policy-rc.d"
  enter_mounts "$2"
}

enter_mounts() { # TREE
  mkdir -p -- "$CACHE/$SUITE-archives/partial" "$CACHE/ccache"
  mount -t proc proc "$1/proc"
  mount --rbind /sys "$1/sys"
  mount -t tmpfs -o mode=755 tmpfs "$1/dev"
  local device
  for device in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 -- "$1/dev/${device%:*}" c 1 "${device#*:}"
  done
  mkdir -m 1777 -- "$1/dev/shm"
  mkdir -- "$1/dev/pts"
  mount -t devpts -o newinstance,ptmxmode=666 devpts "$1/dev/pts"
  ln -s pts/ptmx "$1/dev/ptmx"
  ln -s /proc/self/fd "$1/dev/fd"
  mount --bind "$CACHE/$SUITE-archives" "$1/var/cache/apt/archives"
}

# Runs a command in a chroot without the caller's environment.
CLEAN=(env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root TERM=dumb
  DEBIAN_FRONTEND=noninteractive ${http_proxy:+"http_proxy=$http_proxy"})
CHROOT=("${CLEAN[@]}" chroot)
# The same, but isolated: only a loopback network, a separate host name, and the tree as the root of a mount namespace
# instead of a chroot, because the kernel refuses user namespaces to processes in a chroot. The second address is needed
# because srun calls getaddrinfo with AI_ADDRCONFIG, which treats a machine with only 127.0.0.1 as one without addresses.
ALONE=(unshare --net --uts --mount bash -euc
  'ip link set lo up; ip address add 127.0.0.2/8 dev lo; echo sweephost >/proc/sys/kernel/hostname
  clean=("${@:2:$1}"); shift $(($1 + 1))
  mount --rbind "$1" "$1"; cd "$1"; pivot_root . mnt; umount -l /mnt; shift
  exec "${clean[@]}" "$@"' - ${#CLEAN[@]} "${CLEAN[@]}")

apt() { # TREE ARGUMENT...
  quietly 900 "apt-get $2" "${CHROOT[@]}" "$1" apt-get -q -y "${@:2}"
}

# --- inside: building -------------------------------------------------------------------------------------------

copy_sources() { # TREE
  mkdir -p -- "$1/src"
  if git -C "$ROOT" rev-parse --git-dir >/dev/null 2>&1; then
    git -C "$ROOT" ls-files -z --cached --others --exclude-standard | (cd -- "$ROOT" && tar --null -T - --ignore-failed-read -cf -)
  else
    tar -C "$ROOT" --exclude='./build*' -cf - .
  fi | tar -C "$1/src" --no-same-owner -xf -
}

build_tree() { # makes a chroot with all packages for a build; cached until deploy/packages.txt changes
  local file
  file=$CACHE/$SUITE-build-$(cat -- "$ROOT/deploy/packages.txt" | cksum | cut -d' ' -f1).tar
  if [[ ! -s $file ]]; then
    base_tree
    step "installing the packages for a build"
    unpack "$CACHE/$SUITE.tar" "$WORK/build"
    copy_sources "$WORK/build"
    apt "$WORK/build" update
    quietly 900 "deploy/install-packages.sh" "${CHROOT[@]}" "$WORK/build" /src/deploy/install-packages.sh --without-tests
    apt "$WORK/build" install --no-install-recommends ccache
    rm -rf -- "$WORK/build/src"
    pack "$WORK/build" "$file"
  else
    unpack "$file" "$WORK/build"
  fi
  copy_sources "$WORK/build"
  mkdir -p -- "$WORK/build/ccache"
  mount --bind "$CACHE/ccache" "$WORK/build/ccache"
}

build_debs() {
  build_tree
  step "building with $("${CHROOT[@]}" "$WORK/build" g++ --version | head -n 1) and $("${CHROOT[@]}" "$WORK/build" slurmctld -V)"
  "${CHROOT[@]}" "$WORK/build" env CCACHE_DIR=/ccache CCACHE_BASEDIR=/src CCACHE_NOHASHDIR=1 CMAKE_CXX_COMPILER_LAUNCHER=ccache \
    timeout 7200 nice -n 10 /src/deploy/make-packages.sh -D SWEEP_WERROR=ON --build /src/build --out /debs
  [[ -z $OUT ]] || { mkdir -p -- "$OUT" && cp -- "$WORK"/build/debs/*.deb "$OUT/"; }
  DEBS=$WORK/build/debs
}

# --- inside: the clean chroot -----------------------------------------------------------------------------------

test_packages() {
  local root=$WORK/root
  base_tree
  step "creating a clean $SUITE with Slurm"
  unpack "$CACHE/$SUITE.tar" "$root"
  mkdir -- "$root/package-test"
  cp -- "$ROOT/deploy/package-test_inside.sh" "$DEBS"/*.deb "$root/package-test/"
  apt "$root" update
  apt "$root" install --no-install-recommends slurmctld slurmd slurm-client munge
  timeout 900 "${CHROOT[@]}" "$root" /package-test/package-test_inside.sh prepare
  step "installing $(cd -- "$DEBS" && echo *.deb)"
  timeout 900 "${CHROOT[@]}" "$root" /package-test/package-test_inside.sh install
  step "testing a cluster with the packages, and again without them"
  timeout 900 "${ALONE[@]}" "$root" /package-test/package-test_inside.sh use
}

slurm_tests() {
  local tree=$WORK/build
  step "tests/slurm against $("${CHROOT[@]}" "$tree" slurmctld -V)"
  apt "$tree" install --no-install-recommends jq sqlite3 curl valgrind gnuplot-nox iproute2 bubblewrap squashfs-tools
  timeout 3000 "${ALONE[@]}" "$tree" /src/deploy/package-test_inside.sh slurm-tests
}

in_namespaces() {
  [[ -n $DEBS ]] || build_debs
  compgen -G "$DEBS/*.deb" >/dev/null || die "there are no debs in $DEBS"
  test_packages
  [[ $SLURM_TESTS == no ]] || slurm_tests
  step "all tests passed"
}

if [[ ${1-} == --in-namespaces ]]; then
  in_namespaces
else
  parse_options "$@"
  outside
fi
