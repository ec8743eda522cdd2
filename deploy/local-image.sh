#!/usr/bin/env bash
# Makes a small container image from this machine's own programs, without a network or a registry. It is for trying
# containers on a dev cluster, and for tests. The image contains bash, common small tools, the given programs, and the
# libraries of all of these.
#
#   deploy/local-image.sh /tmp/images/small.sqsh build/bin/cpu-smoke      a squash file
#   deploy/local-image.sh /tmp/images/small/     build/bin/cpu-smoke      a folder
#
# The given programs are in the image's /usr/local/bin. Needs no root rights. A squash file needs squashfs-tools.
set -euo pipefail
export LC_ALL=C

usage() {
  cat <<'USAGE'
Usage: deploy/local-image.sh IMAGE [PROGRAM]...
Makes IMAGE, a squash file (NAME.sqsh) or a folder (NAME/), for trying containers without
a registry. It contains bash, small tools and each PROGRAM (a path or a name in PATH).
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
[[ $image == *.sqsh || $image == */ ]] || die "cannot make image '$image': its name must be NAME.sqsh, or NAME/ for a folder"
[[ ! -e $image ]] || die "cannot make image '$image': it already exists; remove it or choose another name"

root=$(mktemp -d "${TMPDIR:-/tmp}/local-image-XXXXXX")
trap 'rm -rf -- "$root" "$image.$$"' EXIT

libraries() { # FILE: prints its shared libraries and its loader
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
  file=$(type -P "$program") || die "cannot find program '$program'; give a path or a name in PATH"
  add "$(readlink -f -- "$file")" "/usr/local/bin/$(basename -- "$program")"
done
echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
# enroot stores the variables of an image in this file. Without PATH here, PATH would be /usr/bin:/bin.
printf '%s\n' 'IS_LOCAL_IMAGE=yes' 'PATH=/usr/local/bin:/usr/bin:/bin' >"$root/etc/environment"

mkdir -p -- "$(dirname -- "$image")"
if [[ $image == */ ]]; then
  chmod 755 -- "$root"
  cp -a -- "$root" "${image%/}"
else
  type -P mksquashfs >/dev/null || die "mksquashfs is not installed; install the package squashfs-tools"
  chmod 755 -- "$root"
  # The file gets its final name only when it is complete, because other processes may wait for that name.
  mksquashfs "$root" "$image.$$" -quiet -no-progress -noappend -all-root >/dev/null
  mv -- "$image.$$" "$image"
fi
