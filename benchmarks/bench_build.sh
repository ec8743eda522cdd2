#!/usr/bin/env bash
# Measures the CPU time of builds in scratch directories, which are removed at the end, also after Ctrl-C.
#
# CPU time is user plus system time of ninja and all its children, as bash's `time` reports it: unlike elapsed time it
# hardly depends on the load and on the number of cores. Running CMake is not included; a ccache is not used.
set -euo pipefail
set -m # background jobs are process groups, so a running build can be ended with its compilers
export LC_ALL=C CCACHE_DISABLE=1

usage() {
  cat <<'USAGE'
Usage: benchmarks/bench_build.sh [OPTION]...

Measures the CPU time (user and system) of three builds with ninja, each in a
scratch directory that is removed at the end:

  quickstart  the targets of deploy/quickstart.sh, from nothing
  all         all targets with tests, benchmarks and fuzz targets, from nothing
  core-test   one source file of controller/core, recompiled as after a change,
              up to a passing core_test

Options:
      --source DIR      checkout to build (default: the one of this script)
      --jobs N          number of parallel jobs (default: the number of cores)
      --only {quickstart,all,core-test}[,...]
                        measure only these
      --dir DIR         where to create the scratch directories (default:
                        /var/tmp)
  -h, --help            show this help and exit

Exit status:
  0    all builds succeeded
  1    a build or core_test failed; the end of its output is printed
  2    invalid command line
  130  interrupted by SIGINT (143: by SIGTERM)

Examples:
  Compare this checkout with another one:
    benchmarks/bench_build.sh
    benchmarks/bench_build.sh --source ../slurm-sweep-old
  Only the time from a change in the core to a test result:
    benchmarks/bench_build.sh --only core-test --jobs 1
USAGE
}

die() { printf 'bench_build.sh: %s\n' "$*" >&2; exit 1; }
wrong_usage() { printf 'bench_build.sh: %s; see bench_build.sh --help\n' "$*" >&2; exit 2; }

source=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
jobs=$(nproc)
selected=quickstart,all,core-test
parent=/var/tmp
while (($#)); do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --source=* | --jobs=* | --only=* | --dir=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
    --source | --jobs | --only | --dir)
      (($# >= 2)) || wrong_usage "$1 needs a value"
      case $1 in
        --source) source=$2 ;;
        --jobs) jobs=$2 ;;
        --only) selected=$2 ;;
        --dir) parent=$2 ;;
      esac
      shift 2
      ;;
    *) wrong_usage "unexpected argument '$1'" ;;
  esac
done
[[ $jobs =~ ^[1-9][0-9]{0,3}$ ]] || wrong_usage "--jobs '$jobs' is not a number from 1 to 9999"
[[ $selected =~ ^(quickstart|all|core-test)(,(quickstart|all|core-test))*$ ]] ||
  wrong_usage "--only '$selected' is not a list of quickstart, all, core-test"
[[ -f $source/CMakeLists.txt ]] || wrong_usage "--source '$source' has no CMakeLists.txt"
[[ -d $parent && -w $parent ]] || wrong_usage "--dir '$parent' is not a writable directory"
for program in cmake ninja; do
  [[ -n $(command -v "$program") ]] || die "cannot find $program; install the packages with deploy/install-packages.sh"
done
source=$(cd -- "$source" && pwd)
work=$(mktemp -d -- "$parent/slurm-sweep-bench-build-XXXXXX")
child=

# shellcheck disable=SC2329 # called by the trap
finish() {
  trap '' INT TERM
  if [[ -n $child ]]; then
    kill -TERM -- "-$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  fi
  rm -rf -- "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# run COMMAND...: runs a command in the background, so that signals are handled at once; its times go to $work/times.
run() {
  local status=0
  (
    TIMEFORMAT='%R %U %S'
    time "$@" >"$work/log" 2>&1
  ) 2>"$work/times" &
  child=$!
  wait "$child" || status=$?
  child=
  ((status == 0)) && return
  tail -n 40 -- "$work/log" >&2
  die "'$*' failed with status $status"
}

# measure NAME COMMAND...: runs a command and prints a row of the table.
measure() {
  local name=$1 elapsed user system
  shift
  run "$@"
  read -r elapsed user system < <(tail -n 1 -- "$work/times")
  awk -v name="$name" -v real="$elapsed" -v user="$user" -v sys="$system" \
    'BEGIN { printf "%-52s %9.1f %9.1f %9.1f %9.1f\n", name, user + sys, user, sys, real }'
}

# The options of the quickstart, a unity build, unless the checkout is from before there was one.
mapfile -t from_nothing < <(grep -oE -- '-DCMAKE_UNITY_BUILD(_BATCH_SIZE)?=[A-Z0-9]+' "$source/deploy/quickstart.sh")

configure() { # BUILD-DIRECTORY [OPTION]...
  run cmake -S "$source" -B "$1" -G Ninja -DCMAKE_C_COMPILER_LAUNCHER= -DCMAKE_CXX_COMPILER_LAUNCHER= "${@:2}"
}

build() { # BUILD-DIRECTORY [TARGET]...
  ninja -C "$1" -j "$jobs" "${@:2}"
}

rebuild_and_test() { # BUILD-DIRECTORY
  build "$1" core_test && "$1/tests/core_test"
}

is_selected() { [[ ,$selected, == *",$1,"* ]]; }

print_machine() {
  local commit
  commit=$(git -C "$source" describe --always --dirty 2>/dev/null) || commit='not a git checkout'
  printf 'machine: %s cores, %s, %s, ninja -j%s, load %s, %s\n' "$(nproc)" "$(uname -sr | sed -E 's/( [0-9]+\.[0-9]+).*/\1/')" \
    "$(c++ --version | head -n 1)" "$jobs" "$(cut -d' ' -f1 /proc/loadavg)" "$(date +%F)"
  printf 'source: %s (%s)\n\n' "$source" "$commit"
}

print_machine
printf '%-52s %9s %9s %9s %9s\n' 'seconds' 'CPU' 'user' 'system' 'elapsed'

if is_selected quickstart; then
  configure "$work/quickstart" "${from_nothing[@]}"
  measure "quickstart: programs and plugin, from nothing" \
    build "$work/quickstart" sweepctl sweep-agent spank_sweep sweep-bench sweep-simserver
  rm -rf -- "$work/quickstart"
fi

if is_selected all; then
  configure "$work/all" "${from_nothing[@]:0:1}"
  measure "all: all targets with tests, from nothing" build "$work/all"
  rm -rf -- "$work/all"
fi

if is_selected core-test; then
  directory=$work/core-test
  configure "$directory"  # a developer's build: one source at a time
  run build "$directory" core_test
  # Removing the object has the same effect as changing its source, which may belong to a checkout in use.
  object=$(find "$directory" -path '*/controller/core/*' -name schedule.cpp.o -print -quit)
  [[ -n $object ]] || die "cannot find the object of controller/core/schedule.cpp in the build directory"
  rm -f -- "$object"
  measure "core-test: schedule.cpp changed, core_test passes" rebuild_and_test "$directory"
fi
