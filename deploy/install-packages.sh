#!/usr/bin/env bash
# Installs the packages of deploy/packages.txt that this machine lacks; does nothing when all are there.
#
# Rules: needs no terminal; works as root or through sudo; prints one line, or apt's log when it fails.
# Services: Debian's slurmctld and slurmd start only where /etc/slurm/slurm.conf exists, so they stay down on
# a machine without a cluster. The munge package may start its munged (under systemd it does); the dev
# cluster neither needs nor touches it, it runs a munged of its own.
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
  --without-tests   only what building and trying slurm-sweep needs
  --list            print the missing ones, install nothing
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
  die "this is no Debian (no dpkg-query or apt-get): install what deploy/packages.txt names by your own means"

part=()
[[ $tests == yes ]] || part=(-e '/^# tests/,/^$/d')
mapfile -t wanted < <(sed "${part[@]}" -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$here/packages.txt")
[[ ${#wanted[@]} -gt 0 ]] || die "$here/packages.txt names no package"

# dpkg-query fails when one name is unknown to it and still prints the others.
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
  command -v sudo >/dev/null || die "needs root (there is no sudo) to install: ${missing[*]}"
  if sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  elif [[ -t 0 ]]; then
    as_root=(sudo)
  else
    die "sudo asks for a password and there is no terminal; as root, install: ${missing[*]}"
  fi
fi

log=$(mktemp)
trap 'rm -f -- "$log"' EXIT

# RUNLEVEL=1 keeps start scripts of packages from starting services where there is no systemd.
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -y \
    -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=120 "$@" </dev/null >>"$log" 2>&1
}

fail_with_log() {
  tail -n 30 -- "$log" >&2
  die "$1"
}

# The package lists are fetched only when they cannot serve: absent, or naming versions that are gone.
echo "install-packages: installing ${missing[*]}"
if ! apt install --no-install-recommends "${missing[@]}"; then
  apt update || fail_with_log "apt-get update failed"
  apt install --no-install-recommends "${missing[@]}" || fail_with_log "apt-get install failed"
fi
echo "install-packages: installed ${#missing[@]} of ${#wanted[@]} packages"
