#!/usr/bin/env bash
# Installs missing packages, builds, and runs every test with ctest, including the tests on a real Slurm.
#
#   tests/run.sh [CTEST-ARGUMENT]...      example: tests/run.sh -R matrix
#
# SWEEP_BUILD sets the build folder (default: build/). The exit status is that of ctest.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
build=${SWEEP_BUILD:-$root/build}

"$root/deploy/install-packages.sh"
# CI builds once from nothing, so it compiles several sources at a time (a unity build) and treats
# warnings as errors.
options=(-DSWEEP_TESTS=ON -DSWEEP_BENCHMARKS=ON)
[[ ${CI-} != true ]] || options+=(-DSWEEP_WERROR=ON -DCMAKE_UNITY_BUILD=ON)
cmake -S "$root" -B "$build" -G Ninja "${options[@]}"
cmake --build "$build"
exec ctest --test-dir "$build" --output-on-failure --no-tests=error -j "$(nproc)" "$@"
