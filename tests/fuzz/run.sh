#!/usr/bin/env bash
# Runs a fuzz target for a given time on a temporary copy of its seeds; the source tree is not changed.
#
#   tests/fuzz/run.sh NAME [SECONDS] [LIBFUZZER-OPTION]...      for example: tests/fuzz/run.sh journal 600
#
# NAME: yaml, result, frames, messages, journal, output or control. SWEEP_BUILD: the build folder, if it is
# not build/. Seeds: the repository's files of the kind that the target reads, and tests/fuzz/corpus/NAME;
# when a finding has been fixed, its input is added there. Files that a target writes are in memory if there
# is a /dev/shm. Exit status: 0 if nothing was found; otherwise libFuzzer's, and the input is kept in the
# build folder.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../.." && pwd)
build=${SWEEP_BUILD:-$root/build}
name=${1-} seconds=${2-30} longest=16384
shift $(($# < 2 ? $# : 2))

shopt -s nullglob
seeds=("$here/corpus/$name"/*)
case $name in
  yaml) seeds+=("$root"/configs/*.yaml "$root"/configs/*/*.yaml) ;;
  result) seeds+=("$root"/tests/unit/data/*.json) ;;
  journal) seeds+=("$root"/tests/unit/data/*.db) longest=65536 ;;
  frames | messages | output | control) ;;
  *)
    echo "usage: tests/fuzz/run.sh yaml|result|frames|messages|journal|output|control [SECONDS] [LIBFUZZER-OPTION]..." >&2
    exit 2
    ;;
esac
program=$build/tests/fuzz/build/bin/fuzz_$name
if [[ ! -x $program ]]; then
  echo "run.sh: cannot find $program; install clang's packages of deploy/packages.txt and build it: cmake --build ${build@Q}" >&2
  exit 1
fi

corpus=$(mktemp -d -- "$build/tests/fuzz/corpus-$name.XXXXXX")
memory=/dev/shm
[[ -w $memory ]] || memory=${TMPDIR:-/tmp}
SWEEP_FUZZ_SCRATCH=$(mktemp -d -- "$memory/fuzz-$name.XXXXXX")
export SWEEP_FUZZ_SCRATCH
trap 'rm -rf -- "$corpus" "$SWEEP_FUZZ_SCRATCH"' EXIT
for seed in "${seeds[@]}"; do  # the directory's name keeps equal file names apart
  cp -- "$seed" "$corpus/$(basename -- "$(dirname -- "$seed")")-${seed##*/}"
done
dictionary=() words=$here/${name/frames/messages}.dict
[[ ! -e $words ]] || dictionary=(-dict="$words")

# Allows stack traces without llvm-symbolizer, if only binutils are installed.
export ASAN_OPTIONS=allow_addr2line=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export UBSAN_OPTIONS=allow_addr2line=1:print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}
status=0
# libFuzzer's default status for a finding is 77, which ctest would treat as a skipped test.
nice -n 5 "$program" -error_exitcode=1 -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len="$longest" -detect_leaks=1 \
  -print_final_stats=1 "${dictionary[@]}" -artifact_prefix="$build/tests/fuzz/$name-" "$@" "$corpus" ||
  status=$?
if [[ $status -ne 0 ]]; then
  echo "run.sh: fuzz_$name found a failing INPUT; to reproduce: ${program@Q} INPUT; when fixed, add INPUT to tests/fuzz/corpus/$name" >&2
fi
exit "$status"
