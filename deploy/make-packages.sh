#!/usr/bin/env bash
# Makes the packages that cmake/packages.cmake describes, for the Slurm whose headers and plugins are installed on this
# machine, and prints the packages' paths.
#
# Rules: builds in a separate folder with the prefix /usr; installs nothing; needs no root rights.
#
# Rpms made on Debian 12 with its rpmbuild depend on Debian's libraries, and their plugin is for Debian's Slurm. They only
# show the contents and dependencies of the rpms. To get usable rpms, make them on a host where Slurm's rpms are installed
# (slurm-devel has the headers).
set -euo pipefail
export LC_ALL=C

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
kind=DEB build='' out=$PWD options=()

usage() {
  cat <<'USAGE'
Usage: deploy/make-packages.sh [--rpm] [--build DIR] [--out DIR] [-D NAME=VALUE]...
Builds slurm-sweep and makes its packages: slurm-sweep, and slurm-sweep-plugin-slurmXX.YY for this machine's Slurm.
  --rpm            make rpms instead of debs
  --build DIR      build folder (default: build-packages/ of this checkout)
  --out DIR        folder for the packages (default: the current one)
  -D NAME=VALUE    a cmake option: SWEEP_PACKAGE_RELEASE (the part of the package version after the program's version),
                   SLURM_INCLUDE_DIR, SLURM_PLUGIN_DIR, SLURM_SYSCONF_DIR (cmake/slurm.cmake), or any other
USAGE
}

die() { printf 'make-packages: %s\n' "$*" >&2; exit 1; }
wrong() { printf 'make-packages: %s (see deploy/make-packages.sh --help)\n' "$*" >&2; exit 2; }

while [[ $# -gt 0 ]]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --rpm) kind=RPM; shift ;;
    --build | --out | -D) [[ -n ${2-} ]] || wrong "$1 needs a value"
      case $1 in
        --build) build=$2 ;;
        --out) out=$2 ;;
        -D) options+=("-D$2") ;;
      esac
      shift 2 ;;
    *) wrong "unknown option '$1'" ;;
  esac
done
: "${build:=$root/build-packages}"

if [[ $kind == DEB ]]; then
  [[ -n $(type -P dpkg-shlibdeps) ]] || die "dpkg-shlibdeps is not installed; install the package dpkg-dev"
  [[ -n $(type -P file) ]] || die "file is not installed; install the package file"
  # Packages of one version for Debian 12 and 13 have different dependencies, so they need different names.
  release=1$(. /etc/os-release && [[ $ID == debian && -n ${VERSION_ID-} ]] && echo "+deb$VERSION_ID") || release=1
else
  [[ -n $(type -P rpmbuild) ]] || die "rpmbuild is not installed; install the package rpm (Debian) or rpm-build"
  release=1
fi

mkdir -p -- "$build" "$out"
log=$build/make-packages.log
make() {
  cmake -S "$root" -B "$build" -G Ninja -DCMAKE_INSTALL_PREFIX=/usr -DSWEEP_TESTS=OFF -DSWEEP_BENCHMARKS=OFF \
    -DSWEEP_PACKAGE_RELEASE="$release" "${options[@]}" &&
    cmake --build "$build" && rm -rf -- "$build/out" && (cd -- "$build" && umask 022 && cpack -G "$kind" -B "$build/out")
}
make >"$log" 2>&1 || { tail -n 30 -- "$log" >&2; die "the build failed; its complete log is in $log"; }
for file in "$build/out"/*."${kind,,}"; do
  cp -- "$file" "$out/"
  printf '%s\n' "$out/${file##*/}"
done
