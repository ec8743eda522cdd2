#!/usr/bin/env bash
# Installs the packages of deploy/packages.txt that are missing on this machine. Does nothing if all are installed.
#
# Rules: needs no terminal; works as root or through sudo; prints one line per step, or the end of apt's log if it fails.
# Services: Debian's slurmctld and slurmd start only if /etc/slurm/slurm.conf exists, so they do not start on a machine
# without a cluster. The munge package may start its munged (under systemd it does). The dev cluster does not use that
# munged; it runs its own.
set -euo pipefail
export LC_ALL=C

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

die() {
  printf 'install-packages: %s\n' "$1" >&2
  exit 1
}

usage() {
  cat <<'USAGE'
Usage: deploy/install-packages.sh [--without-tests] [--list]
Installs the Debian 12 packages named in deploy/packages.txt that are missing.
  --without-tests   only the packages needed to build and try slurm-sweep
  --list            print the missing packages and install nothing
USAGE
}

list_only=no
tests=yes
for argument in "$@"; do
  case $argument in
    --list) list_only=yes ;;
    --without-tests) tests=no ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

[[ -n $(type -P dpkg-query) && -n $(type -P apt-get) ]] ||
  die "dpkg-query or apt-get not found, so this is not Debian; install the packages of deploy/packages.txt by hand"

part=()
[[ $tests == yes ]] || part=(-e '/^# tests/,/^$/d')
mapfile -t wanted < <(sed "${part[@]}" -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$here/packages.txt")
[[ ${#wanted[@]} -gt 0 ]] || die "$here/packages.txt lists no packages"

# If dpkg-query does not know one of the names, it fails but still prints the others.
installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null || true)
missing=()
for package in "${wanted[@]}"; do
  grep -qxF -- "$package installed" <<<"$installed" || missing+=("$package")
done

if [[ $list_only == yes ]]; then
  [[ ${#missing[@]} -eq 0 ]] || printf '%s\n' "${missing[@]}"
  exit 0
fi
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "install-packages: all ${#wanted[@]} packages are installed"
  exit 0
fi

as_root=()
if [[ $EUID -ne 0 ]]; then
  command -v sudo >/dev/null || die "cannot install without root rights, and sudo is not installed; install as root: ${missing[*]}"
  if sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  elif [[ -t 0 ]]; then
    as_root=(sudo)
  else
    die "sudo needs a password, and there is no terminal; install as root: ${missing[*]}"
  fi
fi

log=$(mktemp)
trap 'rm -f -- "$log"' EXIT

# Without systemd, RUNLEVEL=1 prevents the packages' start scripts from starting services.
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -y \
    -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=120 "$@" </dev/null >>"$log" 2>&1
}

fail_with_log() {
  tail -n 30 -- "$log" >&2
  die "$1"
}

# Updates the package lists only if the first attempt fails: if they are absent, or name versions that no longer exist.
echo "install-packages: installing ${missing[*]}"
if ! apt install --no-install-recommends "${missing[@]}"; then
  apt update || fail_with_log "apt-get update failed"
  apt install --no-install-recommends "${missing[@]}" || fail_with_log "apt-get install failed"
fi
echo "install-packages: installed ${#missing[@]} of ${#wanted[@]} packages"
