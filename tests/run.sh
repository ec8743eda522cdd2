#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test with ctest, those on a real Slurm included.
#
#   tests/run.sh [CTEST-ARGUMENT]...      for example: tests/run.sh -R matrix
#
# SWEEP_BUILD names another build folder than build/. Exit status: ctest's.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
build=${SWEEP_BUILD:-$root/build}

"$root/deploy/install-packages.sh"
werror=OFF
[[ ${CI-} != true ]] || werror=ON
cmake -S "$root" -B "$build" -G Ninja -DSWEEP_WERROR=$werror -DSWEEP_TESTS=ON -DSWEEP_BENCHMARKS=ON
cmake --build "$build"
exec ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$(nproc)" "$@"
