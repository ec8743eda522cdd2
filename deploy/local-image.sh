#!/usr/bin/env bash
# Makes a small container image of this machine's own programs, without a network or a registry: for trying containers on a
# dev cluster, and for tests. bash, the usual small tools, and the programs that are named, each with its libraries.
#
#   deploy/local-image.sh /tmp/images/small.sqsh build/bin/cpu-smoke      a squash file
#   deploy/local-image.sh /tmp/images/small/     build/bin/cpu-smoke      a folder
#
# Named programs are in /usr/local/bin of the image. Needs no root; a squash file needs squashfs-tools.
set -euo pipefail
export LC_ALL=C

usage() {
  cat <<'USAGE'
Usage: deploy/local-image.sh IMAGE [PROGRAM]...
Makes IMAGE, a squash file (NAME.sqsh) or a folder (NAME/), with bash, small tools
and each PROGRAM (a path, or a name in PATH), for trying containers without a registry.
USAGE
}

die() {
  printf 'local-image: %s\n' "$1" >&2
  exit 1
}

case ${1:-} in
  -h | --help) usage; exit 0 ;;
  '') usage >&2; exit 2 ;;
esac
image=$1
shift
[[ $image == *.sqsh || $image == */ ]] || die "'$image' is neither NAME.sqsh nor a folder NAME/"
[[ ! -e $image ]] || die "'$image' is there already; remove it, or choose another name"

root=$(mktemp -d "${TMPDIR:-/tmp}/local-image-XXXXXX")
trap 'rm -rf -- "$root"' EXIT

libraries() { # FILE: what it is linked with, and its loader
  ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true
}

add() { # FILE TARGET
  install -D -m 755 -- "$1" "$root$2"
  local library
  while read -r library; do
    [[ -e $root$library ]] || install -D -m 755 -- "$(readlink -f -- "$library")" "$root$library"
  done < <(libraries "$1")
}

mkdir -p "$root"/{dev,etc,proc,run,sys,tmp,usr/bin,usr/local/bin,var/tmp,workspace}
ln -s usr/bin "$root/bin"
for tool in bash sh basename cat chmod cp cut date dd dirname env false head hostname id kill ln ls mkdir mktemp mv nproc printf ps \
  readlink rm sed seq setsid sleep sort stat tail tee test timeout touch tr true uname wc grep; do
  file=$(type -P "$tool") || continue
  add "$(readlink -f -- "$file")" "/usr/bin/$tool"
done
for program in "$@"; do
  file=$(type -P "$program") || die "there is no program '$program'"
  add "$(readlink -f -- "$file")" "/usr/local/bin/$(basename -- "$program")"
done
echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
# As enroot leaves the variables of an image. Without a PATH there it is /usr/bin:/bin.
printf '%s\n' 'IS_LOCAL_IMAGE=yes' 'PATH=/usr/local/bin:/usr/bin:/bin' >"$root/etc/environment"

mkdir -p -- "$(dirname -- "$image")"
if [[ $image == */ ]]; then
  chmod 755 -- "$root"
  cp -a -- "$root" "${image%/}"
else
  type -P mksquashfs >/dev/null || die "mksquashfs is not here (package squashfs-tools)"
  chmod 755 -- "$root"
  # Renamed when it is whole: others may wait for this name.
  mksquashfs "$root" "$image.$$" -quiet -no-progress -noappend -all-root >/dev/null
  mv -- "$image.$$" "$image"
fi
